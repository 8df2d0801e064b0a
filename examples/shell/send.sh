#!/bin/sh
# Says something to a user, in every tab they have open, and does something else if they are away.
#
#	./send.sh 42 "your order is on its way"
#
# molva send finds a server on this machine by itself, and one elsewhere by MOLVA_URL and MOLVA_KEY. MOLVA is the
# program, if it is not on the path.

user=$1 message=$2
"${MOLVA:-molva}" send --user "$user" --require-delivery "$message"
status=$?
case $status in
3) echo "user $user is away: write them a letter" ;; # nobody was reached; molva keeps nothing for later
esac
exit $status
