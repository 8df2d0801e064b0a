#!/bin/sh
# Says something to a user, in every tab they have open, with curl.
#
#	MOLVA_URL=http://127.0.0.1:8000 MOLVA_KEY=… ./send_http.sh 42 '"hi"'
#
# The message is any JSON value, the user a name that JSON does not have to escape. The key is what molva serve printed,
# or was given. It goes to curl by its standard input, as everybody on the machine can read the arguments of a program.

user=$1 message=$2
printf 'header = "Authorization: Bearer %s"\n' "$MOLVA_KEY" |
	curl --silent --show-error --fail-with-body --max-time 5 --config - \
		--data "{\"user\":\"$user\",\"message\":$message}" "$MOLVA_URL/api/send"
