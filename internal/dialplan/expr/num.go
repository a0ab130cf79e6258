package expr

import (
	"math"
	"math/big"
	"strings"
)

// The numbers of an expression are those of an x86 long double: 64 bits of
// mantissa, 15 of exponent (spec: dialplan 4, arithmetic).
const (
	precision   = 64
	maxExponent = 16384  // larger is infinite
	minExponent = -16445 // smaller is zero
)

// num is one number. It is immutable. The zero value is not a number (NaN).
type num struct{ f *big.Float }

func numInt(i int64) num { return num{new(big.Float).SetPrec(precision).SetInt64(i)} }

func numFloat(x float64) num {
	if math.IsNaN(x) {
		return num{}
	}
	return num{new(big.Float).SetPrec(precision).SetFloat64(x)}
}

// numBig rounds to the 64 bits, and to infinity or zero what a long double
// cannot hold. Every result passes here, so that no exponent grows without bound.
func numBig(f *big.Float) num {
	r := new(big.Float).SetPrec(precision).Set(f)
	if r.IsInf() || r.Sign() == 0 {
		return num{r}
	}
	switch exp := r.MantExp(nil); {
	case exp > maxExponent:
		return num{r.SetInf(r.Signbit())}
	case exp < minExponent:
		return numInt(0)
	}
	return num{r}
}

// parseNum reads the number at the beginning of s as strtold does; "." is 0.
// false if it is out of range.
func parseNum(s string) (num, bool) {
	end := len(s)
	if i := strings.IndexByte(s, '.'); i >= 0 {
		if j := strings.IndexByte(s[i+1:], '.'); j >= 0 {
			end = i + 1 + j
		}
	}
	s = s[:end]
	if len(strings.Trim(s, ".0")) == 0 {
		return numInt(0), true
	}
	if whole, _, _ := strings.Cut(strings.TrimLeft(s, "0"), "."); len(whole) > 5000 {
		return num{}, false
	}
	if len(s) > 6000 { // digits behind these change nothing in 64 bits
		s = s[:6000]
	}
	f, _, err := big.ParseFloat(s, 10, precision, big.ToNearestEven)
	if err != nil {
		return num{}, false
	}
	n := numBig(f)
	return n, !n.f.IsInf() && (n.f.Sign() != 0 || f.Sign() == 0)
}

func (n num) isNaN() bool  { return n.f == nil }
func (n num) isZero() bool { return n.f != nil && n.f.Sign() == 0 }
func (n num) finite() bool { return n.f != nil && !n.f.IsInf() }

// float is n in 53 bits, for what is beyond finite numbers.
func (n num) float() float64 {
	if n.f == nil {
		return math.NaN()
	}
	x, _ := n.f.Float64()
	return x
}

// compare gives -1, 0, +1; ok is false if one is not a number, which is
// neither less, equal nor more than anything.
func (n num) compare(m num) (c int, ok bool) {
	if n.isNaN() || m.isNaN() {
		return 0, false
	}
	return n.f.Cmp(m.f), true
}

// binary computes with finite numbers by exact, with others by float.
func binary(a, b num, exact func(z, x, y *big.Float) *big.Float, float func(x, y float64) float64) num {
	if !a.finite() || !b.finite() {
		return numFloat(float(a.float(), b.float()))
	}
	return numBig(exact(new(big.Float).SetPrec(precision), a.f, b.f))
}

func add(a, b num) num {
	return binary(a, b, (*big.Float).Add, func(x, y float64) float64 { return x + y })
}

func sub(a, b num) num {
	return binary(a, b, (*big.Float).Sub, func(x, y float64) float64 { return x - y })
}

func mul(a, b num) num {
	return binary(a, b, (*big.Float).Mul, func(x, y float64) float64 { return x * y })
}

// quo divides; b is not zero.
func quo(a, b num) num {
	return binary(a, b, (*big.Float).Quo, func(x, y float64) float64 { return x / y })
}

// mod is fmod: the exact remainder with the sign of a. b is not zero.
func mod(a, b num) num { return binary(a, b, exactMod, math.Mod) }

// exactMod computes in whole numbers of the smaller unit of the two.
func exactMod(_, x, y *big.Float) *big.Float {
	if x.Sign() == 0 {
		return x
	}
	unit := min(x.MantExp(nil)-int(x.MinPrec()), y.MantExp(nil)-int(y.MinPrec()))
	xi, yi := scaled(x, -unit), scaled(y, -unit)
	r := new(big.Int).Rem(xi, yi)
	f := new(big.Float).SetInt(r) // its own precision: exact
	if r.Sign() == 0 && x.Signbit() {
		f.Neg(f)
	}
	return new(big.Float).SetMantExp(f, unit)
}

// scaled is x·2^e, which is whole.
func scaled(x *big.Float, e int) *big.Int {
	i, _ := new(big.Float).SetMantExp(x, e).Int(nil)
	return i
}

func neg(a num) num {
	if a.isNaN() {
		return a
	}
	return num{new(big.Float).Neg(a.f)}
}

// String is C's %.18Lg.
func (n num) String() string {
	switch {
	case n.isNaN():
		return "nan"
	case n.f.IsInf() && n.f.Signbit():
		return "-inf"
	case n.f.IsInf():
		return "inf"
	case n.f.Sign() == 0 && n.f.Signbit():
		return "-0"
	case n.f.Sign() == 0:
		return "0"
	}
	const digits = 18
	// d.ddddde±xx with all digits; the exponent decides about the form.
	s := n.f.Text('e', digits-1)
	mant, e, _ := strings.Cut(s, "e")
	exp := 0
	for _, c := range e[1:] {
		exp = exp*10 + int(c-'0')
	}
	if e[0] == '-' {
		exp = -exp
	}
	if exp < -4 || exp >= digits {
		return strings.TrimRight(strings.TrimRight(mant, "0"), ".") + "e" + e
	}
	s = n.f.Text('f', digits-1-exp)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
