//go:build !race

package molva_test

// raceDetector makes the tests that run for long take a sample of their cases.
const raceDetector = false
