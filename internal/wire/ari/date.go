package ari

import (
	"encoding/json"
	"fmt"
	"time"
)

// Date is a moment as ARI writes it: milliseconds, and a numeric zone without a
// colon (spec: ari 2.4 rule 5). The Go client rejects any other form.
//
//	2026-11-22T04:02:59.355+0000
type Date time.Time

const dateLayout = "2006-01-02T15:04:05.000-0700"

// String gives the text.
func (d Date) String() string { return time.Time(d).Format(dateLayout) }

// MarshalJSON gives the text in quotes.
func (d Date) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, len(dateLayout)+2)
	b = append(b, '"')
	b = time.Time(d).AppendFormat(b, dateLayout)
	return append(b, '"'), nil
}

// UnmarshalJSON reads it.
func (d *Date) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	t, err := time.Parse(dateLayout, s)
	if err != nil {
		return fmt.Errorf("date %q: want 2026-11-22T04:02:59.355+0000", s)
	}
	*d = Date(t)
	return nil
}
