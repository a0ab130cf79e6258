package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time, written as "30s", "5m", "1h30m", "7d" or as a
// bare number of seconds.
type Duration struct{ time.Duration }

// Seconds gives a Duration of n seconds.
func Seconds(n int) Duration { return Duration{time.Duration(n) * time.Second} }

// UnmarshalText reads the forms that Duration's comment names.
func (d *Duration) UnmarshalText(b []byte) error {
	s := string(b)
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		v := n * float64(time.Second)
		if !(v >= -float64(maxDuration) && v <= float64(maxDuration)) {
			return fmt.Errorf("%q is too long for a duration", s)
		}
		d.Duration = time.Duration(v)
		return nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n <= 36500 {
			d.Duration = time.Duration(n) * 24 * time.Hour
			return nil
		}
	}
	v, err := time.ParseDuration(s)
	if err != nil || v > maxDuration || v < -maxDuration {
		return fmt.Errorf("%q is not a duration; write it as \"30s\", \"5m\", \"1h30m\" or \"7d\"", s)
	}
	d.Duration = v
	return nil
}

// maxDuration is the longest duration that a key takes: a hundred years.
const maxDuration = 36500 * 24 * time.Hour

// MarshalText writes d in the shortest form that UnmarshalText reads back.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String gives "45s", "5m", "90d".
func (d Duration) String() string {
	if d.Duration >= 2*day && d.Duration%day == 0 {
		return strconv.Itoa(int(d.Duration/day)) + "d"
	}
	s := d.Duration.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
