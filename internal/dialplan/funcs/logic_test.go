package funcs

import (
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// TestIf holds DP-039 and DP-040.
func TestIf(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[t]\n", nil)
	d.want([][2]string{
		{"${IF($[1=1]?yes:no)} [${IF($[1=2]?yes)}] ${IF(1?a,b:c)} ${IF(0?a:b:c)}", "yes [] a,b b:c"},
		{"${ISNULL()} ${ISNULL(x)} ${EXISTS(x)} ${EXISTS()} ${EXISTS(${NOPE})}", "1 0 1 0 0"},
		{`${ISNULL(0)}${ISNULL( )}${EXISTS( )}${EXISTS(0)}${EXISTS("")}`, "00111"},
		{"${IF(0?T:F)}${IF(1?T:F)}${IF(-1?T:F)}${IF(00?T:F)}${IF(0.0?T:F)}${IF(\"0\"?T:F)}${IF(a?T:F)}${IF(no?T:F)}", "FTTFFFTT"},
		{"${IF(2?T:F)}${IF(0a?T:F)}${IF(a0?T:F)}${IF($[0]?T:F)}${IF($[1>2]?T:F)}", "TFTFF"},
		{"${IF( 0 ?a:b)}${IF(0.5?a:b)}${IF(\" \"?a:b)}${IF( ?a:b)}[${IF(1?)}]${IF(1?:b)}", "bbbb[]"},
		{`${IF(1 ? "x" : y)} ${IF(1?"a:b":c)} ${IF(1? a : b )} ${IF(1?(a:b):c)} ${IF(1?a\:b:c)} ${IF(0?a\:b:c)} ${IF(1?a"b"c:b)}`, "x a:b a (a:b) a:b c abc"},
		{`${IF(0?a:"b")} ${IF(0?a: "b" )} ${IF(0?a:b\,c)} ${IF("1"?a)} ${IF( 1?a b)} ${IF(a b?1:2)}`, `"b" "b" b\,c a a b 1`},
		{"${SET(Z=5)} ${Z} ${SET(Y = 9)}/${Y} ${SET(_X=8)}/${X} ${SET(GLOBAL(G)=5)}/${G}", "5 5 9/9 8/8 5/5"},
		{`${SET(Y="q")}/${Y}`, `"q"/"q"`},
	}...)
	d.warns("${IF(?a:b)}", "${IF(x)}", `${IF("?1:2)}`, "${SET(Y)}", "${SET(=1)}", "${IFTIME(*)}")
}

// TestIfTime sees the time that TESTTIME has set (spec: dialplan D6).
func TestIfTime(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[t]\n", nil)
	d.want([][2]string{
		{"!TESTTIME()", "2026/12/25 12:30:00 UTC"},
		{"${IFTIME(*,*,25,dec?y:n)} ${IFTIME(*,*,*,*?y:n)} ${IFTIME(*,*,*,*?y)} ${IFTIME(*|*|*|*? \"y\" : n )}", "y y y y"},
		{"${IFTIME(9:00-17:00,mon-fri,*,*?y:n)} ${IFTIME(*,sat-sun,*,*?y:n)} ${IFTIME(bogus?a:b)}", "y n b"},
		{"!TESTTIME()", "2026-12-26 12:30:00 UTC"},
		{"${IFTIME(*,sat-sun,*,*?y:n)} ${IFTIME(0:00-23:59,*,*,*,Asia/Tokyo?y:n)}", "y y"},
	}...)
	d.refuses("TESTTIME()", "tomorrow")
	d.refuses("TESTTIME()", "2026/12/25 12:30:00 Nowhere/Atall")
	d.want([2]string{"!TESTTIME()", ""})
	if since := time.Since(d.x.Now()); since < 0 || since > time.Minute {
		t.Errorf("an empty TESTTIME leaves %v", d.x.Now())
	}
}

// TestIfTimeCompat sees the real time, as Asterisk does.
func TestIfTimeCompat(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[t]\n", func(o *run.Options) { o.Compat = "asterisk22" })
	now := time.Now()
	other := now.AddDate(0, 6, 0)
	d.x.SetTestTime(other)
	if got := d.expand("${IFTIME(*,*,*," + other.Format("Jan") + "?test:real)}"); got != "real" {
		t.Errorf("it is the time of the %s", got)
	}
}

// TestArithmetic holds DP-041.
func TestArithmetic(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[t]\n", nil)
	d.want([][2]string{
		{"${MATH(1+2)} ${MATH(7/2)} ${MATH(7/2,int)} ${MATH(7%3,int)} ${MATH(5>3)} ${MATH(15+1,hex)} ${MATH(2^3,i)}", "3.000000 3.500000 3 1 TRUE 10 8"},
		{"!N", "5"}, {"${INC(N)} ${N} ${DEC(N)}", "6 6 5"},
		{"${ABS(-4.5)} ${MIN(1,2)} ${MAX(1,2)} ${RAND(5,5)}", "4.500000 1 2 5"},
		{"${MATH(-7/2,int)} ${MATH(7.5%3)} ${MATH(-7%3)} ${MATH(1/0)} ${MATH(1/0,int)} ${MATH(1%0)} ${MATH(6/-2)} ${MATH(6%-4)}", "-3 1.000000 -1.000000 0.000000 0 0.000000 0.000000 2.000000"},
		{"${MATH(2^0.5)} ${MATH(4^-1)} ${MATH(2**3)} ${MATH(6 AND 3)} ${MATH(6 OR 3)} ${MATH(6 XOR 3)} ${MATH(6AND3,int)}", "1.414214 0.250000 8.000000 2.000000 7.000000 5.000000 2"},
		{"${MATH(1<<4,int)} ${MATH(256>>4,int)} ${MATH(5>=3)} ${MATH(5<3)} ${MATH(5==5)} ${MATH(5<=5)} ${MATH(5 > 3)} ${MATH(5>3,int)}", "16 16 TRUE FALSE TRUE TRUE TRUE TRUE"},
		{"${MATH(255+0,hex)} ${MATH(255+0,h)} ${MATH(65+0,char)} ${MATH(-1+0,hex)} ${MATH(10/4,hex)}", "ff ff A ffffffff 2"},
		{"${MATH(1 + 2,int)} ${MATH(-1+2,int)} ${MATH(1--2,int)} ${MATH(1+-2,int)} ${MATH(-6-2)} ${MATH(1+2+3)}", "3 1 3 -1 -8.000000 3.000000"},
		{"${MATH(1e3+1)} ${MATH(0x10+1)} ${MATH(.5+1)} ${MATH(1e20+0)} ${MATH(10000000000+1,int)}", "1001.000000 17.000000 1.500000 100000000000000000000.000000 10000000001"},
		{`${MATH("1+2",int)} [${MATH(1*0,char)}]`, "3 []"},
		{"!N", "0"}, {"${DEC(N)} ${N}", "-1 -1"},
		{"!N", "1.5"}, {"[${INC(N)}] ${N}", "[] 1.5"},
		{"[${INC(NOPE)}${NOPE}]", "[]"},
		{"${ABS(-4)} ${ABS(-0)} ${ABS(1e3)} ${MIN(1.5,2)} ${MAX(-1,-2)} ${MAX(1.0,1)} ${MAX(1.25,7)} ${MAX(1)} ${MIN(2,)}", "4 0 1000 1.500000 -1 1 7 1 2"},
		{"${MIN(10000000000,20000000000)} ${MIN(3,2,1)} ${MAX(1,2,3)}", "10000000000.000000 1 3"},
		{"${RAND(1,1)} ${RAND(-5,-5)}", "1 -5"},
	}...)
	d.warns("${MATH(a+1)}", "${MATH(1+a)}", "${MATH(1)}", "${MATH()}", "${MATH(+1)}", "${MATH(1+2,x)}", "${MATH(5=5)}", "${MATH(1=-1)}", `${MATH(1+2,"int")}`, "${DEC()}", "${ABS(x)}", "${ABS()}", "${MAX()}", "${MIN(a,b)}")
	for range 100 {
		if got := d.expand("${RAND(5,3)}"); got != "3" && got != "4" && got != "5" {
			t.Fatalf("RAND(5,3) gives %s", got)
		}
	}
}

// TestExtremeCompat sees two numbers only, as Asterisk does.
func TestExtremeCompat(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[t]\n", func(o *run.Options) { o.Compat = "asterisk22" })
	d.want([2]string{"${MIN(3,2,1)} ${MAX(1,2,3)}", "2 2"})
}

// TestJSON holds DP-049.
func TestJSON(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[t]\n", nil)
	d.want([][2]string{
		{"!J", `{"a":1,"b":{"c":"x y","t":true,"f":false,"n":null},"d":[5, 6,{"e":7}],"r":1.5,"e":1e3,"z/y":2,"q":"ü\"q\u00e9","n":-1.0,"s":0.1}`},
		{"${JSON_DECODE(J,a)} ${JSON_DECODE(J,b.c)} [${JSON_DECODE(J,zz)}] ${JSON_DECODE(J,d.1)}", "1 x y [] 6"},
		{"${JSON_DECODE(J,b)} ${JSON_DECODE(J,d)}", `{"c":"x y","t":true,"f":false,"n":null} [5,6,{"e":7}]`},
		{"${JSON_DECODE(J,b.t)} ${JSON_DECODE(J,b.f)} [${JSON_DECODE(J,b.n)}] ${JSON_DECODE(J,d.2.e)} [${JSON_DECODE(J,d.9)}] [${JSON_DECODE(J,d.x)}]", "1 0 [] 7 [] []"},
		{"${JSON_DECODE(J,d,,c)} ${JSON_DECODE(J,d,.,c)} ${JSON_DECODE(J,a,.,c)} ${JSON_DECODE(J,b/c,/)} ${JSON_DECODE(J,z/y)}", "3 3 1 x y 2"},
		{"${JSON_DECODE(J,r)} ${JSON_DECODE(J,e)} ${JSON_DECODE(J,n)} ${JSON_DECODE(J,s)} ${JSON_DECODE(J,q)}", `1.5 1000 -1 0.10000000000000001 ü"qé`},
		{"[${JSON_DECODE(J,zz.y)}] ${JSON_DECODE(J,a.b)} [${JSON_DECODE(J,.a)}] [${JSON_DECODE(J,b..c)}] [${JSON_DECODE(NOPE,a)}]", "[] 1 [] [] []"},
		{"!L", "[1,2]"}, {"${JSON_DECODE(L,0)} ${JSON_DECODE(L,1)}", "1 2"},
		{"!B", `{"big":12345678901234567890}`}, {"${JSON_DECODE(B,big)}", "12345678901234567890"},
		{"!A", "hello"},
	}...)
	d.warns("${JSON_DECODE(J)}", "${JSON_DECODE(J,)}", "${JSON_DECODE(A,a)}", "${JSON_DECODE()}")
}
