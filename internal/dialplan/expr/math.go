package expr

import (
	"math"
	"math/big"
)

// working is the precision of what is computed on the way to 64 bits.
const working = 256

// Constants with more digits than working needs.
const (
	ln2Digits = "0.69314718055994530941723212145817656807550013436025525412068000949339362196969471560586332699641868754200148102057"
	piDigits  = "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798214808651328"
)

func constant(digits string) *big.Float {
	f, _, _ := big.ParseFloat(digits, 10, working, big.ToNearestEven)
	return f
}

func big0() *big.Float             { return new(big.Float).SetPrec(working) }
func bigInt(i int64) *big.Float    { return big0().SetInt64(i) }
func wide(f *big.Float) *big.Float { return big0().Set(f) }

// mathFunc is a function of one or two numbers; the second is NaN for one.
type mathFunc struct {
	args    int
	compute func(a, b num) num
}

// mathFunction finds a mathematical function of expressions (Asterisk:
// ast_expr2.y op_func).
func mathFunction(name string) (mathFunc, bool) {
	one := func(exact func(*big.Float) *big.Float, float func(float64) float64) (mathFunc, bool) {
		return mathFunc{1, func(a, _ num) num { return unary(a, exact, float) }}, true
	}
	switch name {
	case "ABS":
		return one(func(x *big.Float) *big.Float { return x.Abs(x) }, math.Abs)
	case "SQRT":
		return one(func(x *big.Float) *big.Float {
			if x.Sign() < 0 {
				return nil
			}
			return x.Sqrt(x)
		}, math.Sqrt)
	case "EXP":
		return one(exp, math.Exp)
	case "EXP2":
		return one(exp2, math.Exp2)
	case "LOG":
		return one(ln, math.Log)
	case "LOG2":
		return one(func(x *big.Float) *big.Float { return lnRatio(x, 2) }, math.Log2)
	case "LOG10":
		return one(func(x *big.Float) *big.Float { return lnRatio(x, 10) }, math.Log10)
	case "SIN":
		return one(func(x *big.Float) *big.Float { s, _ := sinCos(x); return s }, math.Sin)
	case "COS":
		return one(func(x *big.Float) *big.Float { _, c := sinCos(x); return c }, math.Cos)
	case "TAN":
		return one(tan, math.Tan)
	case "ASIN":
		return one(asin, math.Asin)
	case "ACOS":
		return one(acos, math.Acos)
	case "ATAN":
		return one(atan, math.Atan)
	case "FLOOR":
		return one(func(x *big.Float) *big.Float { return toWhole(x, math.Floor) }, math.Floor)
	case "CEIL":
		return one(func(x *big.Float) *big.Float { return toWhole(x, math.Ceil) }, math.Ceil)
	case "ROUND":
		return one(func(x *big.Float) *big.Float { return toWhole(x, math.Round) }, math.Round)
	case "RINT":
		return one(func(x *big.Float) *big.Float { return toWhole(x, math.RoundToEven) }, math.RoundToEven)
	case "TRUNC":
		return one(func(x *big.Float) *big.Float { return toWhole(x, math.Trunc) }, math.Trunc)
	case "EXP10":
		return mathFunc{1, func(a, _ num) num { return pow(numInt(10), a) }}, true
	case "POW":
		return mathFunc{2, pow}, true
	case "ATAN2":
		return mathFunc{2, atan2}, true
	case "REMAINDER":
		return mathFunc{2, remainder}, true
	}
	return mathFunc{}, false
}

// unary computes with a finite number by exact, with another by float. Where
// exact gives nil there is no exact result: float says what it is, NaN or infinite.
func unary(a num, exact func(*big.Float) *big.Float, float func(float64) float64) num {
	if a.finite() {
		if r := exact(wide(a.f)); r != nil {
			return numBig(r)
		}
	}
	return numFloat(float(a.float()))
}

// toWhole rounds by round, which is asked with a small number of the same sign
// and parity, and a fraction on the same side of a half: x may be beyond a float64.
func toWhole(x *big.Float, round func(float64) float64) *big.Float {
	i, acc := x.Int(nil)
	if acc == big.Exact {
		return x
	}
	rest := big0().Sub(x, big0().SetInt(i))
	frac := 0.5 + 0.25*float64(rest.Abs(rest).Cmp(big0().SetFloat64(0.5)))
	frac = math.Copysign(frac, float64(x.Sign()))
	odd := int64(i.Bit(0))
	if x.Sign() < 0 {
		odd = -odd
	}
	step := int64(round(float64(odd)+frac)) - odd
	r := big0().SetInt(i.Add(i, big.NewInt(step)))
	if r.Sign() == 0 && x.Sign() < 0 {
		r.Neg(r) // C keeps the sign of zero
	}
	return r
}

// exp is e^x: reduced to less than 2^-9, a Taylor series, squared back.
func exp(x *big.Float) *big.Float {
	if x.Cmp(bigInt(12000)) > 0 {
		return big0().SetInf(false)
	}
	if x.Cmp(bigInt(-12000)) < 0 {
		return big0()
	}
	const halvings = 8
	ln2 := constant(ln2Digits)
	k, _ := toWhole(big0().Quo(x, ln2), math.Round).Int64()
	r := big0().Sub(x, big0().Mul(ln2, bigInt(k)))
	r.SetMantExp(r, -halvings)
	sum, term := bigInt(1), bigInt(1)
	for n := int64(1); n < 40; n++ {
		term.Quo(term.Mul(term, r), bigInt(n))
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum.SetMantExp(sum, int(k))
}

func exp2(x *big.Float) *big.Float {
	if k, acc := x.Int64(); acc == big.Exact && k > -20000 && k < 20000 {
		return big0().SetMantExp(bigInt(1), int(k))
	}
	return exp(x.Mul(x, constant(ln2Digits)))
}

// ln is the natural logarithm, nil for 0 and less: of the mantissa by the
// series of atanh, and ln 2 for each power of two.
func ln(x *big.Float) *big.Float {
	if x.Sign() <= 0 {
		return nil
	}
	m := big0()
	k := x.MantExp(m) // m in [0.5, 1)
	if m.Cmp(big0().SetFloat64(math.Sqrt2/2)) < 0 {
		m.SetMantExp(m, 1)
		k--
	}
	one := bigInt(1)
	z := big0().Quo(big0().Sub(m, one), big0().Add(m, one))
	sum := oddSeries(z, false)
	sum.SetMantExp(sum, 1)
	if k != 0 {
		sum.Add(sum, big0().Mul(constant(ln2Digits), bigInt(int64(k))))
	}
	return sum
}

// oddSeries is z + z³/3 + z⁵/5 … (atanh), or with alternating signs (atan).
func oddSeries(z *big.Float, alternating bool) *big.Float {
	square := big0().Mul(z, z)
	if alternating {
		square.Neg(square)
	}
	sum, power := wide(z), wide(z)
	for n := int64(3); n < 140; n += 2 {
		power.Mul(power, square)
		sum.Add(sum, big0().Quo(power, bigInt(n)))
	}
	return sum
}

func lnRatio(x *big.Float, base int64) *big.Float {
	l := ln(x)
	if l == nil {
		return nil
	}
	return l.Quo(l, ln(bigInt(base)))
}

// pow is x^y: by multiplication for whole y, else by the logarithm.
func pow(x, y num) num {
	if !x.finite() || !y.finite() || x.isZero() || y.isZero() {
		return numFloat(math.Pow(x.float(), y.float()))
	}
	whole, acc := y.f.Int(nil)
	abs := big0().Abs(x.f)
	var r *big.Float
	switch {
	case acc == big.Exact && whole.IsInt64() && whole.Int64() > -100_000 && whole.Int64() < 100_000:
		r = intPow(abs, whole.Int64())
	case acc != big.Exact && x.f.Sign() < 0:
		return num{}
	default:
		r = exp(big0().Mul(ln(abs), wide(y.f)))
	}
	if x.f.Sign() < 0 && whole.Bit(0) == 1 {
		r.Neg(r)
	}
	return numBig(r)
}

// intPow multiplies; the exponents of big.Float hold all that comes of it.
func intPow(x *big.Float, n int64) *big.Float {
	inverse := n < 0
	if inverse {
		n = -n
	}
	r := bigInt(1)
	for square := wide(x); n > 0; n >>= 1 {
		if n&1 == 1 {
			r.Mul(r, square)
		}
		square.Mul(square, square)
	}
	if inverse {
		r.Quo(bigInt(1), r)
	}
	return r
}

// remainder is the IEEE one: a − n·b with n the whole number next to a/b.
func remainder(a, b num) num {
	if !a.finite() || !b.finite() || b.isZero() || a.isZero() {
		return numFloat(math.Remainder(a.float(), b.float()))
	}
	unit := min(a.f.MantExp(nil)-int(a.f.MinPrec()), b.f.MantExp(nil)-int(b.f.MinPrec()))
	x, y := scaled(a.f, -unit), scaled(b.f, -unit)
	y.Abs(y)
	q, r := new(big.Int).QuoRem(new(big.Int).Abs(x), y, new(big.Int))
	if c := new(big.Int).Lsh(r, 1).Cmp(y); c > 0 || c == 0 && q.Bit(0) == 1 {
		r.Sub(r, y)
	}
	f := new(big.Float).SetInt(r)
	f.SetMantExp(f, unit)
	if x.Sign() < 0 {
		f.Neg(f)
	}
	return numBig(f)
}
