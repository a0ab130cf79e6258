package sip

import (
	"maps"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/pbx"
)

// style is a way of asking a phone to answer by itself.
type style struct {
	callInfo bool   // Call-Info: <sip:HOST>;answer-after=0
	alert    string // Alert-Info value with HOST in place of our host, "" = none
}

// The two common Alert-Info forms (rule D15; spec: switchvox 6.5).
const (
	alertAutoAnswer = "<http://HOST>;info=alert-autoanswer;delay=0"
	alertRingAnswer = "Ring Answer"
)

// autoAnswerStyles says which header each brand wants. The aliases are names
// that people use for the same device family.
//
//	brand                     Call-Info answer-after   Alert-Info
//	snom, cisco-spa, linksys  yes                      -
//	yealink, fanvil, sangoma  yes                      alert-autoanswer
//	grandstream               yes                      alert-autoanswer
//	aastra, mitel             -                        alert-autoanswer
//	panasonic                 yes                      -
//	polycom                   -                        Ring Answer (its default ring class with auto answer)
func autoAnswerStyles() map[string]style {
	callInfo := style{callInfo: true}
	alertInfo := style{alert: alertAutoAnswer}
	both := style{callInfo: true, alert: alertAutoAnswer}
	polycom := style{alert: alertRingAnswer}
	return map[string]style{
		"none": {}, "call-info": callInfo, "alert-info": alertInfo, "both": both,
		"snom": callInfo, "cisco": callInfo, "cisco-spa": callInfo, "linksys": callInfo, "panasonic": callInfo,
		"baresip": callInfo, "yealink": both, "fanvil": both, "sangoma": both, "digium": both, "grandstream": both,
		"aastra": alertInfo, "mitel": alertInfo,
		"polycom": polycom, "poly": polycom,
	}
}

func autoAnswerStyle(brand string) (style, bool) {
	if brand == "" {
		brand = "both"
	}
	s, ok := autoAnswerStyles()[strings.ToLower(brand)]
	return s, ok
}

// AutoAnswerBrands lists the values that Phone.AutoAnswer takes, sorted.
func AutoAnswerBrands() []string {
	return slices.Sorted(maps.Keys(autoAnswerStyles()))
}

// AutoAnswerHeaders gives the headers that make a phone of the brand answer at
// once on its loudspeaker. host is our own host as the phone knows it. Brand
// "" sends both common headers, "none" and an unknown brand send none. They
// are sent to registered phones only, never to a trunk.
func AutoAnswerHeaders(brand, host string) []pbx.Header {
	s, _ := autoAnswerStyle(brand)
	var out []pbx.Header
	if s.callInfo {
		out = append(out, header("Call-Info", "<sip:"+host+">;answer-after=0"))
	}
	if s.alert != "" {
		out = append(out, header("Alert-Info", strings.ReplaceAll(s.alert, "HOST", host)))
	}
	return out
}
