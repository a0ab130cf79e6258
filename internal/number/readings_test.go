package number

import "testing"

// What a carrier may make of a number, however it is written.
func TestReadings(t *testing.T) {
	type reading struct {
		e164          string
		class         Class
		international bool
	}
	for _, c := range []struct {
		in, home string
		want     []reading
	}{
		{"33123456789", "US", []reading{{"+33123456789", Fixed, true}}},
		{"491771234567", "DE", []reading{{"+49491771234567", Fixed, false}, {"+491771234567", Mobile, false}}},
		{"15123456789", "DE", []reading{{"+4915123456789", Mobile, false}, {"+15123456789", Fixed, true}}},
		{"84951234567", "RU", []reading{{"+74951234567", Fixed, false}}}, // 8 is Russia's national prefix
		{"13055551234", "US", []reading{{"+13055551234", Fixed, false}}},
		{"33123456789", "", []reading{{"", Unknown, false}, {"+33123456789", Fixed, true}}},
		{"+0900123456", "DE", []reading{{"", Invalid, false}}},
		{"000900123456", "DE", []reading{{"", Invalid, false}}},
		{"0110900123456", "US", []reading{{"", Invalid, false}}},
		{"+49110", "DE", []reading{{"", Emergency, false}}},
		{"+33112", "DE", []reading{{"", Emergency, false}}},
		{"0049110", "DE", []reading{{"", Emergency, false}}},
		{"110", "DE", []reading{{"", Emergency, false}}},
		{"112", "", []reading{{"", Emergency, false}}},
		{"911", "", []reading{{"", Emergency, false}}},
		{"+4990012345679999", "DE", []reading{{"+4990012345679999", Premium, false}}}, // the carrier cuts it
		{"0900FLOWERS", "DE", []reading{{"", Unknown, false}}},
		{"１１２", "DE", []reading{{"", Emergency, false}}},
		{"%2B33123456789", "DE", []reading{{"", Unknown, false}}},
		{"8765551234", "US", []reading{{"+18765551234", Mobile, true}}}, // Jamaica shares +1
		{"+14165551234", "US", []reading{{"+14165551234", Fixed, false}}},
		{"", "DE", []reading{{"", Unknown, false}}},
	} {
		got := Readings(c.in, c.home)
		ok := len(got) == len(c.want)
		for i := 0; ok && i < len(got); i++ {
			ok = got[i].Class == c.want[i].class && got[i].International == c.want[i].international && got[i].E164 == c.want[i].e164
		}
		if !ok {
			t.Errorf("Readings(%q, %q) = %+v; want %+v", c.in, c.home, got, c.want)
		}
	}
}

func FuzzReadings(f *testing.F) {
	for _, s := range []string{"33123456789", "+0900", "%2B33", "１１２", "+49110", "*31#0900", "0900FLOWERS"} {
		f.Add(s, "DE")
	}
	f.Fuzz(func(t *testing.T, s, home string) {
		if len(Readings(s, home)) == 0 {
			t.Fatalf("%q has no reading", s)
		}
	})
}
