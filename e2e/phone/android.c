// What Android 13 denies to programs, as a library to preload: to bind a socket that tells of network interfaces.
// (Source: SELinux policy of that version, "netlink_route_socket"; the same on Android 11 for newer apps.)
//
// Build: aarch64-linux-gnu-gcc -shared -fPIC -o android.so android.c

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>

int bind(int socket, const struct sockaddr *address, socklen_t length) {
	if (address->sa_family == AF_NETLINK) {
		errno = EACCES;
		return -1;
	}
	int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "bind");
	return real(socket, address, length);
}
