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
	Unknown    Class = "unknown"     // public by its form, not valid in any plan
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
// It must not decide whether a number is dialled at all: private plans and
// test numbers are invalid there and yet reachable.
func Inspect(s, home string) Info {
	s = Compact(s)
	if phonenumbers.IsEmergencyNumber(s, home) {
		return Info{Class: Emergency, Region: home}
	}
	if len(s) < 7 && !strings.HasPrefix(s, "+") || strings.ContainsAny(s, "*#") {
		return Info{Class: Internal}
	}
	n, err := phonenumbers.Parse(s, home)
	if err != nil {
		return Info{Class: Unknown}
	}
	info := Info{
		E164:          phonenumbers.Format(n, phonenumbers.E164),
		Region:        phonenumbers.GetRegionCodeForNumber(n),
		Class:         classOf(phonenumbers.GetNumberType(n)),
		International: int(n.GetCountryCode()) != phonenumbers.GetCountryCodeForRegion(home),
	}
	return info
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
