package dialplan_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan"
)

// TestTiming sees the specifications of vector DP-066, and more, from Friday 2026-12-25 12:30 UTC.
func TestTiming(t *testing.T) {
	at := time.Date(2026, 12, 25, 12, 30, 0, 0, time.UTC)
	for _, tt := range []struct {
		spec     string
		want     bool
		warnings int
	}{
		{"9:00-17:00,mon-fri,*,*", true, 0},
		{"*,sat-sun,*,*", false, 0},
		{"*,fri-mon,*,*", true, 0},
		{"*,*,25,dec", true, 0},
		{"*,*,20-5,*", true, 0},
		{"*,*,*,nov-jan", true, 0},
		{"20:00-06:00,*,*,*", false, 0},
		{"08:00-10:00&11:00-13:00,*,*,*", true, 0},
		{"12:30-12:30,*,*,*", true, 0},
		{"12:31-12:29,*,*,*", false, 0},
		{"12:30,*,*,*", true, 0},
		{"*,friday,*,*", false, 1},
		{"*,6,*,12", true, 0},
		{"*|fri|*|*", true, 0},
		{"bogus,*,*,*", false, 1},
		{"", true, 0},
		{"*", true, 0},
		{",,,", true, 0},
		{" 12:30 , FRI , 25 , Dec ", true, 0},
		{"bogus&12:30,*,*,*", true, 1},
		{"*,fri&bogus,0&25,13", false, 3},
		{"12:30-,*", false, 1},
		{"*,,32", false, 1},
		{"24:00,*", false, 1},
		{"12:60,*", false, 1},
		{"12:030,*", false, 1},
		{"7:30,*,*,*,America/New_York", true, 0},
		{"12:30,*,*,*,America/New_York", false, 0},
		{"12:30,*,*,*,No/Where", true, 1},
		{"12:30,*,*,*,,x", true, 1},
		{"*,1-7,1-31,1-12", true, 0},
		{"*,sun-sat,1-31,jan-dec", true, 0},
		{"*,sat&sun&mon&tue&wed&thu", false, 0},
	} {
		tm, warnings := dialplan.ParseTiming(tt.spec, ",|")
		if got := tm.Match(at); got != tt.want || len(warnings) != tt.warnings {
			t.Errorf("%q: %v, want %v; warnings %q", tt.spec, got, tt.want, warnings)
		}
	}
	if !(dialplan.Timing{}).Match(at) {
		t.Error("the zero Timing does not match")
	}
	if tm, warnings := dialplan.ParseTiming("*|sat|*|*", ","); tm.Match(at) || len(warnings) != 1 {
		t.Errorf("pipes count as separators though they are not wanted: %q", warnings)
	}
}

func FuzzTiming(f *testing.F) {
	f.Add("9:00-17:00&20:00,mon-fri&sun,1-31,jan&mar-jun,Europe/Berlin", ",|")
	f.Add("*|*", "|")
	f.Fuzz(func(t *testing.T, spec, sep string) {
		tm, _ := dialplan.ParseTiming(spec, sep)
		for month := range 12 {
			tm.Match(time.Date(2026, time.Month(month+1), 31, 23, 59, 0, 0, time.UTC))
		}
	})
}

func ExampleParseTiming() {
	office, _ := dialplan.ParseTiming("9:00-17:00,mon-fri,*,*,Europe/Berlin", ",")
	fmt.Println(office.Match(time.Date(2026, 7, 3, 7, 30, 0, 0, time.UTC)))
	fmt.Println(office.Match(time.Date(2026, 7, 4, 7, 30, 0, 0, time.UTC)))
	// Output:
	// true
	// false
}
