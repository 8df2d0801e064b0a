// Package rules says what clients may do in which rooms. docs/rules.md has every field.
package rules
