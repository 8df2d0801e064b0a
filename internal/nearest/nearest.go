// Package nearest finds the name that somebody who misspelt it has probably meant.
package nearest

import "strings"

// Suggest returns a half sentence that says which of some names was probably meant, or which there are.
func Suggest(name string, known []string) string {
	if best := Find(name, known); best != "" {
		return "; did you mean \"" + best + "\"?"
	}
	return "; there are: " + strings.Join(known, ", ")
}

// Find returns the name that was probably meant, "" if there is none like it.
func Find(name string, known []string) string {
	best, distance := "", 3 // what differs more is another word
	for _, k := range known {
		if d := editDistance(strings.ToLower(name), k, distance); d < distance {
			best, distance = k, d
		}
	}
	return best
}

// editDistance returns how many bytes must be added, removed or replaced to make b of a, or limit if that is less.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return min(row[len(b)], limit)
}
