package main

// historySize is how many messages the room remembers.
const historySize = 100

// history is the last messages of the room, the oldest first.
type history struct {
	messages  []said
	forgotten int64 // ID of the newest message that was dropped, 0 for none
}

func (h *history) add(m said) {
	if len(h.messages) == historySize {
		h.forgotten = h.messages[0].ID
		h.messages = append(h.messages[:0], h.messages[1:]...)
	}
	h.messages = append(h.messages, m)
}

// since returns the messages newer than the one with the given ID, and whether some between are forgotten. An ID of 0
// is that of a newcomer, who has missed nothing.
func (h *history) since(id int64) (missed []said, gap bool) {
	first := len(h.messages)
	for first > 0 && h.messages[first-1].ID > id {
		first--
	}
	return h.messages[first:], id != 0 && id < h.forgotten
}
