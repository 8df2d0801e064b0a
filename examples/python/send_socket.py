"""Says something to a user, in every tab they have open, by the local socket of a molva serve on this machine.

    MOLVA_SOCKET=/run/user/1000/molva.sock python3 send_socket.py 42 "hi"

The path is what molva serve printed. The socket is for programs of the same system user and needs no key.
"""

import json
import os
import socket
import sys

user, message = sys.argv[1:]
with socket.socket(socket.AF_UNIX) as molva:
    molva.settimeout(5)
    molva.connect(os.environ["MOLVA_SOCKET"])
    molva.sendall(json.dumps({"user": user, "message": message}).encode() + b"\n")
    answer = json.loads(molva.makefile().readline())
if not answer["ok"]:
    sys.exit(f"{answer['error']}: {answer['message']}")
print("reached", answer["reached"])  # tabs; 0 if the user is away
