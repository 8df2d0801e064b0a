package benchreport

import (
	"fmt"
	"strconv"
	"time"
)

// grouped writes a number with a comma before each three digits.
func grouped[N int | int64 | uint64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	first := 0
	if n < 0 {
		first = 1
	}
	for i := len(digits) - 3; i > first; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// plural says a number of things.
func plural[N int | int64 | uint64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return grouped(n) + " " + thing + "s"
}

// rounded groups a number that may be small.
func rounded(f float64) string {
	if f < 100 && f != float64(int64(f)) {
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return grouped(int64(f + 0.5))
}

// bytes writes a size in the unit that suits it.
func bytes(n float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	unit := 0
	for ; n >= 1024 && unit < len(units)-1; unit++ {
		n /= 1024
	}
	if unit == 0 {
		return fmt.Sprintf("%.0f B", n)
	}
	return fmt.Sprintf("%.1f %s", n, units[unit])
}

// aligned writes a duration so that its number stands above and below others.
func aligned(d time.Duration) string {
	text := span(d)
	if d >= time.Second {
		text += " "
	}
	return text
}

// span writes a duration with three digits.
func span(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return digits(float64(d)/1e3) + " µs"
	case d < time.Second:
		return digits(float64(d)/1e6) + " ms"
	}
	return digits(float64(d)/1e9) + " s"
}

// digits writes three, or all that are before the point.
func digits(f float64) string {
	switch {
	case f == 0:
		return "0"
	case f < 9.995:
		return strconv.FormatFloat(f, 'f', 2, 64)
	case f < 99.95:
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return strconv.FormatFloat(f, 'f', 0, 64)
}

func micros(us float64) time.Duration { return time.Duration(us * float64(time.Microsecond)) }

func seconds(s float64) string { return strconv.FormatFloat(s, 'f', 2, 64) + " s" }
