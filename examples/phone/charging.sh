#!/usr/bin/env bash
# Runs a worker as long as the phone is plugged in, cool and on Wi-Fi, and ends it when it is not. Runs in Termux,
# outside Ubuntu; wants the app Termux:API and its package. docs/android.md shows it in its place.
#
# Usage: charging.sh COMMAND…, in which the word ADDRESS stands for the phone's address in the Wi-Fi
set -eu

# Degrees Celsius of the battery above which it ages fast.
HOT=40
# Seconds between two looks.
INTERVAL=${INTERVAL:-30}

[ $# -gt 0 ] || { sed -n '2,6s/^# //p' "$0" >&2; exit 2; }

# value KEY: of the JSON on standard input, one key a line.
value() { sed -n "s/^ *\"$1\": *\"\{0,1\}\([^\",]*\).*/\1/p"; }

# The phone's address in the Wi-Fi if it may work now, else nothing.
address() {
	local battery wifi temperature
	battery=$(termux-battery-status)
	wifi=$(termux-wifi-connectioninfo)
	temperature=$(value temperature <<<"$battery")
	[ "$(value plugged <<<"$battery")" != UNPLUGGED ] || return 0
	[ "${temperature%.*}" -lt "$HOT" ] || return 0
	[ "$(value supplicant_state <<<"$wifi")" = COMPLETED ] || return 0
	value ip <<<"$wifi"
}

running=
end() {
	[ -n "$running" ] || return 0
	# The whole group: the worker itself is a grandchild, and has to hear it.
	kill -TERM -- "-$running" 2>/dev/null || true
	wait "$running" 2>/dev/null || true
	running=
}
trap end EXIT
trap 'exit 0' INT TERM

# Each child gets a process group of its own.
set -m
known=
while true; do
	now=$(address) || now=
	if [ "$now" != "$known" ] || { [ -n "$running" ] && ! kill -0 "$running" 2>/dev/null; }; then
		end
		known=$now
		if [ -n "$now" ]; then
			echo "charging: at $now, starting"
			"${@//ADDRESS/$now}" &
			running=$!
		else
			echo "charging: waiting for charger, a cool battery and Wi-Fi"
		fi
	fi
	sleep "$INTERVAL" &
	wait $! || true
done
