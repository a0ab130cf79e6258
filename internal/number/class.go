package number

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Class is what kind of subscriber a number reaches, as far as its numbering
// plan tells.
type Class string

// The classes of numbers.
const (
	Internal   Class = "internal"    // short or not a public number: extensions, feature codes
	Fixed      Class = "fixed"       // fixed line, or fixed and mobile not told apart
	Mobile     Class = "mobile"      // mobile, pager
	TollFree   Class = "toll-free"   // free for the caller
	SharedCost Class = "shared-cost" // service numbers at a regulated price
	Premium    Class = "premium"     // premium rate: the classic of toll fraud
	Emergency  Class = "emergency"   // 112, 911, …
	Unknown    Class = "unknown"     // public by its form, not valid in any plan; names and letters
	Invalid    Class = "invalid"     // no number at all: + or an international prefix before 0
)

// Info is what Inspect found out about a number.
type Info struct {
	E164          string // "+4930123456", or "" if the number is not public
	Region        string // ISO 3166 region, "DE"; "" or "001" if none
	Class         Class
	International bool // belongs to another country code than the home region's
}

// Inspect tells what number reaches when dialled from home (ISO 3166, "DE").
// The number is compacted; 00 and 011 count as + where the home region writes
// them so. It takes about 10 µs and never fails: what cannot be understood is
// Internal when it is short and Unknown otherwise.
//
// The class is a judgement of the numbering plan's data, made for the guard.
// Private plans and test numbers are invalid there and yet reachable: how to
// treat Unknown is the guard's part.
func Inspect(s, home string) Info {
	s = Compact(s)
	switch {
	case s == "112" || s == "911" || phonenumbers.IsEmergencyNumber(s, home):
		// 3GPP TS 22.101 §10.1.1: these two are emergency numbers everywhere.
		return Info{Class: Emergency, Region: home}
	case !IsDialable(s):
		return Info{Class: Unknown}
	case strings.ContainsAny(s, "*#"), len(s) < 7 && s[0] != '+' && !strings.HasPrefix(s, "00"):
		return Info{Class: Internal}
	case beforeZero(s, home):
		return Info{Class: Invalid}
	}
	n, err := phonenumbers.Parse(s, home)
	if err != nil {
		return Info{Class: Unknown}
	}
	if phonenumbers.IsEmergencyNumber(phonenumbers.GetNationalSignificantNumber(n), phonenumbers.GetRegionCodeForCountryCode(int(n.GetCountryCode()))) {
		return Info{Class: Emergency, Region: home}
	}
	info := Info{
		E164:   phonenumbers.Format(n, phonenumbers.E164),
		Region: phonenumbers.GetRegionCodeForNumber(n),
		Class:  classOf(phonenumbers.GetNumberType(n)),
	}
	info.International = int(n.GetCountryCode()) != phonenumbers.GetCountryCodeForRegion(home) || abroad(info, home)
	// Exchanges cut what is dialled beyond the end of a number.
	if info.Class == Unknown && phonenumbers.TruncateTooLongNumber(n) && classOf(phonenumbers.GetNumberType(n)) == Premium {
		info.Class = Premium
	}
	return info
}

// beforeZero reports whether what claims to be international goes on with 0,
// which no country code does (ITU-T E.164 §6.2.1).
func beforeZero(s, home string) bool {
	if phonenumbers.GetCountryCodeForRegion(home) == 1 {
		return strings.HasPrefix(s, "+0") || strings.HasPrefix(s, "0110")
	}
	return strings.HasPrefix(s, "+0") || strings.HasPrefix(s, "000")
}

// abroad reports whether a number of the home country's code belongs to
// another country that shares it: Jamaica has +1, Kazakhstan +7. The United
// States and Canada count as one, and so do numbers that are free to call.
func abroad(info Info, home string) bool {
	north := func(region string) bool { return region == "US" || region == "CA" }
	switch {
	case info.Region == "" || info.Region == home || info.Class == TollFree:
		return false
	}
	return !north(info.Region) || !north(home)
}

// Readings gives every way in which an exchange may read s: as Inspect does,
// and, when s has neither + nor a national prefix, as if + stood in front of it,
// which many carriers assume. A reading that is no number is left out when
// the other one is; from an unknown home nothing is left out. There is at least one.
func Readings(s, home string) []Info {
	s = Compact(s)
	first := Inspect(s, home)
	switch first.Class {
	case Emergency, Internal, Invalid:
		return []Info{first}
	}
	if !IsDialable(s) || s[0] == '+' {
		return []Info{first}
	}
	national := phonenumbers.GetNddPrefixForRegion(home, true)
	if first.Class != Unknown && national != "" && strings.HasPrefix(s, national) {
		return []Info{first}
	}
	plus := Inspect("+"+s, home)
	switch {
	case plus.Class == Unknown, plus.Class == Invalid, plus.E164 == first.E164 && plus.Class == first.Class:
		return []Info{first}
	case first.Class == Unknown && home != "":
		return []Info{plus}
	}
	return []Info{first, plus}
}

func classOf(t phonenumbers.PhoneNumberType) Class {
	switch t {
	case phonenumbers.FIXED_LINE, phonenumbers.FIXED_LINE_OR_MOBILE, phonenumbers.VOIP,
		phonenumbers.PERSONAL_NUMBER, phonenumbers.UAN, phonenumbers.VOICEMAIL:
		return Fixed
	case phonenumbers.MOBILE, phonenumbers.PAGER:
		return Mobile
	case phonenumbers.TOLL_FREE:
		return TollFree
	case phonenumbers.SHARED_COST:
		return SharedCost
	case phonenumbers.PREMIUM_RATE:
		return Premium
	}
	return Unknown
}
