package expr

import (
	"fmt"
	"strings"
	"testing"
)

// functions are those that the tests' expressions call, and the warnings.
type functions struct {
	calls []string
	warns []string
}

func (f *functions) Function(name, args string) (string, bool) {
	f.calls = append(f.calls, name+"("+args+")")
	switch name {
	case "LEN":
		return fmt.Sprint(len(args)), true
	case "ECHO":
		return args, true
	}
	return "", false
}

func (f *functions) Warn(format string, args ...any) {
	f.warns = append(f.warns, fmt.Sprintf(format, args...))
}

func eval(text string) string { return Eval(text, new(functions)) }

// TestEval holds the expressions of DP-023 to DP-036 and what the sources say
// beyond them.
func TestEval(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		// DP-023 arithmetic and precedence
		{"1+2", "3"}, {"2*3+4", "10"}, {"2+3*4", "14"}, {"(2+3)*4", "20"}, {"7/2", "3.5"}, {"6/3", "2"}, {"7%3", "1"},
		{"-7%3", "-1"}, {"2-3", "-1"}, {"2--3", "5"}, {"-(2+3)", "-5"}, {"1.5+1.5", "3"}, {"007+1", "8"},
		// DP-024 formatting
		{"1/3", "0.333333333333333333"}, {"1000000*1000000", "1000000000000"}, {"0.1+0.2", "0.3"},
		{"12345678901234567890", "12345678901234567890"}, {"7.5%2", "1.5"}, {"1e3", "1e3"}, {"5.", "5."}, {"1.10", "1.10"}, {"007", "007"},
		{"12345678901234567890+0", "1.23456789012345679e+19"}, {"1/100000", "1e-05"}, {"1/10000", "0.0001"},
		{"999999999999999999+0", "999999999999999999"}, {"999999999999999999+1", "1e+18"}, {"-0", "-0"},
		// DP-025 text and quoted numbers count as zero
		{"a+1", "1"}, {"1+a", "1"}, {`"1"+"2"`, "0"}, {`"3"*2`, "0"}, {".5+1", "1"}, {"0x10+1", "1"}, {"a-1", "-1"}, {"1-a", "1"},
		{"-a", "0"}, {"a%2", "0"}, {"4/a", "2147483647"}, {"a/4", "0"},
		// DP-026 division by zero
		{"1/0", "2147483647"}, {"5%0", "0"},
		// DP-027 syntax errors
		{"1 2", "1"}, {"a b", "a"}, {"1+", "0"}, {"", ""}, {"+3", ""}, {`="x"`, ""}, {"1?2:3", "0"}, {`"x" y`, `"x"`}, {"  ", ""},
		{"1+2 3", "3"}, {"(1+2 3", "0"}, {")", ""}, {"1)", "1"}, {"(", "0"}, {"-", "0"}, {"()", "0"}, {"LEN()", "0"}, {"LEN(a", "0"}, {"1::2", "1"},
		{`"abc`, "abc"}, {"[1]", "1"}, {"~1", "1"}, {"1,2", "1"},
		// DP-028 comparison
		{"1=1", "1"}, {"1==1", "1"}, {"1=1.0", "1"}, {"01=1", "1"}, {"2<10", "1"}, {`"2"<"10"`, "0"}, {"a<b", "1"}, {`"a"="a"`, "1"},
		{`"a"=a`, "0"}, {"a=A", "0"}, {"1!=2", "1"}, {`"01"="1"`, "0"}, {"3>2>1", "0"}, {"-1<0", "1"}, {"10>9a", "0"}, {"2<=2", "1"}, {"2>=3", "0"},
		// DP-029 logic
		{"1|0", "1"}, {"0|0", "0"}, {"0||5", "5"}, {"1&1", "1"}, {"1&0", "0"}, {"2&3", "2"}, {`"a"&"b"`, `"a"`}, {`""|"x"`, `""`},
		{`0|"x"`, `"x"`}, {"1=1&2=2", "1"}, {"1|0&0", "1"}, {"(1|0)&0", "0"}, {"0|007", "007"}, {"007|0", "7"}, {"a&&0", "0"},
		// DP-030 negation
		{"!0", "1"}, {"!1", "0"}, {`!""`, "1"}, {`!"a"`, "1"}, {"!a", "1"}, {"!0+1", "2"}, {"! 1 = 0", "1"}, {"!1 = 0", "1"}, {"!!1", "1"},
		{"!0.5", "1"}, {"!(0.5+0)", "0"}, {"!12abc", "0"},
		// DP-031 the conditional operator
		{"1?2::3", "2"}, {"0?2::3", "3"}, {`""?a::b`, "b"}, {`"x"?a::b`, "a"}, {`"0"?a::b`, "a"}, {"0.0?a::b", "b"}, {`1=1?"eq"::"ne"`, `"eq"`},
		{"1?0?1::2::3", "2"}, {"1?2::0?3::4", "3"}, {"0|0?1::2", "2"},
		// DP-032 patterns
		{`"abc":"a"`, "1"}, {`"abc":"b"`, "0"}, {`"abc":"a.*"`, "3"}, {`"abc":"a(.)c"`, "b"}, {`"abc" =~ "b"`, "1"}, {`"abc" =~ "(b)(c)"`, "b"},
		{`"abc" =~ "x"`, "0"}, {`"abc" =~ "(x)"`, ""}, {`"12345" : "([0-9]{3})"`, "123"}, {`"ABC" =~ "b"`, "0"}, {`"a" =~ "*"`, ""},
		{`"12345" : "([0-9]{3})"+1`, "124"}, {`abc:"(x)?b"`, ""}, {`bc:"(x)?b"`, "1"}, {`"ü" =~ "."`, "2"}, {`"aü" : "a(ü)"`, "ü"}, {`"ab)" =~ "b)"`, "2"}, {`"a.b" =~ "[]a-]+"`, "1"}, {`"aXb" =~ "a\.b"`, "0"}, {`"abc" =~ "a**b?*"`, "2"}, {`"ü" : ".*"`, "2"}, {`-"12":"1"`, "-1"},
		// DP-033 joining
		{`"a" ~~ "b"`, "ab"}, {`a ~~ "b c"`, "ab c"}, {`"x" ~~ 1+2`, "2"}, {`1 ~~ 2 + 1`, "13"},
		// DP-034 what empty and multi-word variables leave
		{"=1", ""}, {`""=""`, "1"}, {`v w = "v w"`, "v"}, {`"v w" = "v w"`, "1"}, {"v w", "v"}, {`"v w"`, `"v w"`},
		// DP-035 functions
		{"SQRT(16)", "4"}, {"POW(2,10)", "1024"}, {"TRUNC(7/2)", "3"}, {"ROUND(2.5)", "3"}, {"RINT(2.5)", "2"}, {"FLOOR(-1.5)", "-2"},
		{"CEIL(1.2)", "2"}, {"REMAINDER(7,4)", "-1"}, {"LEN(abc)", "3"}, {"LEN (abc) + 1", "4"}, {"LEN(1+1,)", "2"}, {"ECHO(a,,b)", "a,,b"},
		{"NONE(1)", "0"}, {"len(abc)", "0"}, {"SQRT(a)", "0"}, {"SQRT(1,2)", "0"}, {"ECHO(0-5)+1", "-4"}, {"ABS(0-3)", "3"},
		// the mathematical functions, to the last digit (observed: Asterisk 22.10)
		{"SIN(1)", "0.841470984807896507"}, {"COS(1)", "0.540302305868139717"}, {"TAN(1)", "1.55740772465490223"},
		{"ASIN(1/3)", "0.339836909454121937"}, {"ACOS(1/3)", "1.23095941734077468"}, {"ATAN(1/3)", "0.321750554396642193"},
		{"ATAN2(1,0-3)", "2.81984209919315105"}, {"POW(2,0.5)", "1.41421356237309505"}, {"POW(1.1,1000)", "2.46993291800582638e+41"},
		{"POW(10,4931)", "1e+4931"}, {"POW(10,5000)", "inf"}, {"EXP(1)", "2.71828182845904524"}, {"EXP(10.5)", "36315.5026742466377"},
		{"EXP2(0.5)", "1.41421356237309505"}, {"EXP10(0.5)", "3.16227766016837933"}, {"LOG(2)", "0.693147180559945309"},
		{"LOG(10)", "2.30258509299404568"}, {"LOG2(10)", "3.32192809488736235"}, {"LOG10(2)", "0.301029995663981195"}, {"LOG(0)", "-inf"},
		{"LOG(0-1)", "nan"}, {"SQRT(2)", "1.41421356237309505"}, {"REMAINDER(5.5,2)", "-0.5"}, {"ROUND(0-0.4)", "-0"}, {"0*-1", "-0"},
		{"LOG2(8)", "3"}, {"LOG10(1000)", "3"}, {"EXP(0)", "1"}, {"SIN(0)", "0"}, {"ATAN2(1,0)", "1.57079632679489662"}, {"ASIN(2)", "nan"},
		{"POW(0-2,3)", "-8"}, {"POW(0-2,0.5)", "nan"}, {"SIN(100000000000000000000)", "-0.645251285265780844"},
		{"0.1*3", "0.3"}, {"100000000000000000000*3", "3e+20"}, {"2.5%1", "0.5"}, {"-5%3", "-2"}, {"-1%1", "-0"}, {"5%-3", "2"},
		// DP-036 dashes and slashes
		{"a-b", "0"}, {"10-3-2", "5"}, {"a/b", "0"}, {`"a-b"="a-b"`, "1"}, {"2026-11-22", "1993"}, {"555-1234", "-679"},
		// bytes that belong to words, and text that came out of values
		{"a.b'c;d\\_^#@ä", "a.b'c;d\\_^#@ä"}, {"$x", "$x"}, {"${A}b", "${A}b"}, {"1\n+\t1", "2"},
	} {
		if got := eval(c[0]); got != c[1] {
			t.Errorf("Eval(%q) = %q, want %q", c[0], got, c[1])
		}
	}
}

// TestEvalWarns counts what is reported.
func TestEvalWarns(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"": 0, "1+1": 0, "1+a": 0, "a+1": 1, "a-b": 1, "1/0": 1, "1 2": 1, "=1": 1, "1+": 1, "{1": 1, "SQRT(1,2)": 1, `a : "("`: 1,
	} {
		var f functions
		Eval(text, &f)
		if len(f.warns) != want {
			t.Errorf("Eval(%q) warned %q, want %d warnings", text, f.warns, want)
		}
	}
}

// TestEvalDeep has texts that would need a deep stack.
func TestEvalDeep(t *testing.T) {
	t.Parallel()
	const n = 64 << 10
	for _, text := range []string{
		strings.Repeat("(", n), strings.Repeat("-", n), strings.Repeat("!", n) + "1", strings.Repeat("LEN(", n/4), strings.Repeat("1?", n/2),
	} {
		if got := eval(text); got != "0" {
			t.Errorf("Eval(%.10q…) = %q, want 0", text, got)
		}
	}
	if got := eval(strings.Repeat("1+", n/2) + "1"); got != fmt.Sprint(n/2+1) {
		t.Errorf("a long sum is %s", got)
	}
	if got := eval("1?" + strings.Repeat("(", 900) + "7" + strings.Repeat(")", 900) + "::2"); got != "7" {
		t.Errorf("900 parentheses give %s", got)
	}
}

// TestEvalCallsAll sees that both arms of a condition are computed, in order.
func TestEvalCallsAll(t *testing.T) {
	t.Parallel()
	var f functions
	Eval("1 ? LEN(a) :: ECHO(b)", &f)
	if got := strings.Join(f.calls, " "); got != "LEN(a) ECHO(b)" {
		t.Errorf("called %q", got)
	}
}
