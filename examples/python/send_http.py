"""Says something to a user, in every tab they have open, by HTTP: molva serve may run on another machine.

    MOLVA_URL=http://127.0.0.1:8000 MOLVA_KEY=… python3 send_http.py 42 "hi"

The key is what molva serve printed, or was given.
"""

import json
import os
import sys
import urllib.error
import urllib.request

user, message = sys.argv[1:]
request = urllib.request.Request(
    os.environ["MOLVA_URL"] + "/api/send",
    json.dumps({"user": user, "message": message}).encode(),
    {"Authorization": "Bearer " + os.environ["MOLVA_KEY"], "Content-Type": "application/json"},
)
try:
    answer = json.load(urllib.request.urlopen(request, timeout=5))
except urllib.error.HTTPError as refused:  # an answer of status 400 says what is wrong
    answer = json.load(refused)
if not answer["ok"]:
    sys.exit(f"{answer['error']}: {answer['message']}")
print("reached", answer["reached"])  # tabs; 0 if the user is away
