#!/bin/sh
# Follows a file and says each new line to a room, by one connection however many lines there are.
#
#	./stream.sh logs /var/log/app.log

room=$1 file=$2
tail -n 0 -F "$file" | "${MOLVA:-molva}" send --room "$room"
