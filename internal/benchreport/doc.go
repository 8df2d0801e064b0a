// Package benchreport tells a person, or a program, what a run of package load has found.
package benchreport
