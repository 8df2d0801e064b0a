package rules

// symbol is a byte of a pattern, or what stands for others.
type symbol uint16

const (
	anyWord symbol = 256 + iota
	anyRest
	ownName
)

func (p Pattern) symbols() []symbol {
	var all []symbol
	for _, part := range p.parts {
		switch part.kind {
		case word:
			all = append(all, anyWord)
		case rest:
			all = append(all, anyRest)
		case own:
			all = append(all, ownName)
		default:
			for i := range len(part.text) {
				all = append(all, symbol(part.text[i]))
			}
		}
	}
	return all
}

// shortest returns the least number of bytes in a name for which p stands.
func (p Pattern) shortest() int { return len(p.symbols()) }

// covers reports whether p stands for everything that q stands for, whoever the client is. Users whose name has a dot
// are left out of account: after chat.*, a rule for chat.{user} is of no use but for them, and not what was meant.
// Some such pairs are not found, as *a** and *a*.
func (p Pattern) covers(q Pattern) bool {
	if len(p.parts) == 0 || len(q.parts) == 0 || p.reserved() != q.reserved() {
		return false
	}
	wide, narrow := p.symbols(), q.symbols()
	// row[j] tells whether what is left of wide covers narrow[j:]; at the beginning nothing is left of it.
	row := make([]bool, len(narrow)+1)
	row[len(narrow)] = true
	for i := len(wide) - 1; i >= 0; i-- {
		next := make([]bool, len(narrow)+1)
		for j := len(narrow) - 1; j >= 0; j-- {
			if wide[i].takes(narrow[j]) {
				next[j] = row[j+1] || wide[i].repeats() && next[j+1]
			}
		}
		row = next
	}
	return row[0]
}

// takes reports whether s stands for all that t stands for, or for more.
func (s symbol) takes(t symbol) bool {
	switch s {
	case anyRest:
		return true
	case anyWord:
		return t != anyRest && t != '.'
	}
	return s == t
}

// repeats reports whether s can stand for several symbols in a row.
func (s symbol) repeats() bool { return s == anyWord || s == anyRest }
