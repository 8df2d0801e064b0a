package config

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/molva-ws/molva/internal/nearest"
)

// checkTags says in a few words why a value is not among those that the tags of its field allow; "" if it is.
func checkTags(v reflect.Value, tag reflect.StructTag) string {
	if enum := tag.Get("enum"); enum != "" {
		return checkEnum(fmt.Sprint(v.Interface()), strings.Split(enum, ","))
	}
	if bounds := tag.Get("range"); bounds != "" {
		return checkRange(v, bounds)
	}
	return ""
}

func checkEnum(value string, values []string) string {
	if slices.Contains(values, value) {
		return ""
	}
	values = slices.DeleteFunc(values, func(v string) bool { return v == "" }) // which cannot be typed
	text := fmt.Sprintf("%q is not one of %s", value, strings.Join(values, ", "))
	if best := nearest.Find(value, values); best != "" {
		text += "; did you mean " + best + "?"
	}
	return text
}

// checkRange holds a number against bounds such as 0.. or 1..128.
func checkRange(v reflect.Value, bounds string) string {
	low, high, _ := strings.Cut(bounds, "..")
	n := number(v)
	switch {
	case low == "0" && n < 0:
		return "cannot be negative"
	case low != "" && n < boundary(low):
		return "cannot be less than " + low
	case high != "" && n > boundary(high):
		return "cannot be more than " + high
	}
	return ""
}

func number(v reflect.Value) float64 {
	if v.CanInt() {
		return float64(v.Int())
	}
	return v.Float()
}

// boundary reads what stands in a range, which for a time has its unit.
func boundary(text string) float64 {
	if d, err := time.ParseDuration(text); err == nil {
		return float64(d)
	}
	n, _ := strconv.ParseFloat(text, 64)
	return n
}

// setText sets a field to what a tag says.
func setText(v reflect.Value, text string) error {
	switch target := v.Addr().Interface().(type) {
	case encoding.TextUnmarshaler:
		return target.UnmarshalText([]byte(text))
	case *string:
		*target = text
		return nil
	case *[]string:
		*target = strings.Split(text, ",")
		return nil
	case *time.Duration:
		d, err := time.ParseDuration(text)
		*target = d
		return err
	case *bool:
		on, err := strconv.ParseBool(text)
		*target = on
		return err
	case *int:
		n, err := strconv.Atoi(text)
		*target = n
		return err
	case *float64:
		n, err := strconv.ParseFloat(text, 64)
		*target = n
		return err
	}
	return fmt.Errorf("no default can be given for a %s", v.Type())
}
