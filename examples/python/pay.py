"""Pays for a public prompt with py-substrate-interface: python pay.py "What is the capital of France?" """
import os, sys, time
from substrateinterface import Keypair, SubstrateInterface

node = SubstrateInterface(url=os.environ.get("NODE", "ws://127.0.0.1:9944"), ss58_format=42)
account = Keypair.create_from_uri(os.environ.get("ACCOUNT", "//User"), ss58_format=42)

limits = {"max_tokens": 48, "temperature_milli": 0, "top_p_milli": 1000, "seed": 0, "stop": [[]]}
prompt = sys.argv[1] if len(sys.argv) > 1 else "Hello!"
call = node.compose_call("Jobs", "submit", {
    "model": int(os.environ.get("MODEL", 0)),
    "body": {"Inline": prompt},
    "limits": limits,
    "max_price": 10**12,  # planck: 1 DLLM
    "deadline_blocks": 50,
    "assurance": "Standard",
})
paid = node.submit_extrinsic(node.create_signed_extrinsic(call, account), wait_for_inclusion=True)
if not paid.is_success:
    sys.exit(f"refused: {paid.error_message}")
submitted = next(e.value["event"] for e in paid.triggered_events if e.value["event"]["event_id"] == "Submitted")
job = submitted["attributes"]["job"]

# The node tells everything that stands behind a job; a reply is worth its money once it is settled.
while (receipt := node.rpc_request("dllm_receipt", [job])["result"])["job"]["state"]["kind"] not in ("settled", "refunded"):
    time.sleep(1)
if receipt["job"]["state"]["kind"] == "refunded":
    sys.exit("refunded: nobody served the prompt in time")
print(receipt["job"]["reply"])
print(f"job {job} settled: {receipt['job']['fee']} planck", file=sys.stderr)
