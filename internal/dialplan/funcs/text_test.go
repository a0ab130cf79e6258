package funcs

import (
	"strings"
	"testing"

	"github.com/dialwright/dialwright/internal/dialplan"
)

// TestTexts holds DP-038, the texts of DP-039 and DP-041, and what Asterisk
// 22.10 was seen to do beyond them.
func TestTexts(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[t]\n", nil)
	d.want([][2]string{
		{"!A", "abcdef"}, {"!H", "hello"}, {"!L", "a,b,c,d"}, {"!R", "a.b-c"}, {"!ABC", "abc"},
		{"${LEN(${A})} ${LEN()} ${LEN(a,b)} ${LEN( a )} ${LEN(ä)}", "6 0 3 3 2"},
		{`${LEN("a b")}`, "5"},
		{"${TOUPPER(aB1)} ${TOLOWER(AbC)} ${TOUPPER(äb)}", "AB1 abc äB"},
		{`${TOUPPER("a,b")}`, `"A,B"`},
		{"[${TRIM(  a b  )}] [${LTRIM(  a b  )}] [${RTRIM(  a b  )}] [${TRIM()}]", "[a b] [a b  ] [  a b] []"},
		{"${PASSTHRU(a,b)}", "a,b"},
		{`${QUOTE(ab"c\\d)} ${QUOTE(a,b)} ${QUOTE()} ${QUOTE("a")}`, `"ab\"c\\\\d" "a,b" "" "\"a\""`},
		{`${CSV_QUOTE(a,b"c)} ${CSV_QUOTE()} ${CSV_QUOTE(abc)}`, `"a,b""c" "" "abc"`},
		{"${KEYPADHASH(Les Paul-9)} ${KEYPADHASH(abc DEF xyz 09*#)} ${KEYPADHASH(qQzZ1)}", "53772859 22233399909 77991"},
		{"${FILTER(0-9,a1b2)} ${FILTER(a-c\\x2d,a-d-c)} ${FILTER(A-Za-z0-9,a b!C)}", "12 a--c abC"},
		{"${FILTER(0-9,a1,b2)} ${FILTER(\\x30-\\x32,0123)} ${FILTER(a\\,b,a,b,c)} ${FILTER(z-a,abc)} ${FILTER(a-,a-b)}", "12 012 a,b, a a"},
		{"[${FILTER(,abc)}] [${FILTER(a,)}]", "[] []"},
		{"${REPLACE(A,bd,X)} ${REPLACE(A,b)}", "aXcXef acdef"},
		{`${REPLACE(H,l,\x41)} ${REPLACE(H,hel,)} ${REPLACE(H,a-z,X)} ${REPLACE(H,\,l,XY)} ${REPLACE(L,\,,;)} ${REPLACE(R,.-,_)}`, "heAAo o hello heXXo a;b;c;d a_b_c"},
		{`${REPLACE(L,",",-)} ${REPLACE(R,b-z,_)}`, "a-b-c-d a.__c"},
		{`!Q`, `a"b"c`},
		{`${REPLACE(Q,"a",X)} ${REPLACE(Q,\",X)} ${REPLACE(Q,"b")} ${REPLACE(H,l,"X")} ${REPLACE(H,\x6c,X)} ${REPLACE(H,\\l,X)} ${REPLACE(H,l,\)}`, `X"b"c aXbXc a""c he""o hello heXXo heo`},
		{"${STRREPLACE(A,cd,XX)}", "abXXef"},
		{`${STRREPLACE(H,l,L)} ${STRREPLACE(H,l,L,1)} ${STRREPLACE(H,l)} ${STRREPLACE(L,\,,;)} ${STRREPLACE(L,",",;)} ${STRREPLACE(H,l,\,)}`, "heLLo heLlo heo a;b;c;d a;b;c;d he,,o"},
		{`${STRBETWEEN(ABC,-)} ${STRBETWEEN(ABC, )} ${STRBETWEEN(ABC,--)} ${STRBETWEEN(ABC,\,)} [${STRBETWEEN(NOPE,x)}] ${STRBETWEEN(ABC,"-")}`, "a-b-c a b c a--b--c a,b,c [] a-b-c"},
		{`${REGEX("^a.c" abc)} ${REGEX("x" abc)}`, "1 0"},
		{`${REGEX("^h" ${H})} ${REGEX("^h"${H})} ${REGEX("a b" a b)} ${REGEX("" a)} ${REGEX("")} ${REGEX("a\"b" a"b)}`, "1 1 1 1 1 1"},
		{`${REGEX("^a\.c" axc)} ${REGEX("^a\\.c" axc)} ${REGEX("^a\\.c" a.c)} ${REGEX("a,b" a,b)} ${REGEX("^ x"   x)}`, "1 0 1 1 0"},
	}...)
	d.warns("${FILTER(abc)}", "${REPLACE(A)}", "${STRREPLACE(A,,x)}", "${STRBETWEEN(a)}", "${STRBETWEEN(a,b,c)}", `${REPLACE(Q,"",X)}`, `${REGEX(^h hello)}`, `${REGEX("(" a)}`, `${REGEX("*" a)}`)
}

// TestEval expands what came out of a variable, but not for ever.
func TestEval(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[t]\n", nil)
	d.want([][2]string{
		{"!A", "hello"}, {"!X", "$"}, {"!F", "${A}"}, {"!G", "${EVAL(${G})}"},
		{"${F} ${EVAL(${F})} ${PASSTHRU(${F})} [${EVAL()}] ${EVAL(1+1)}", "${A} hello ${A} [] 1+1"},
	}...)
	d.warns("${EVAL(${G})}")
}

// TestLongTexts are refused before they eat the memory.
func TestLongTexts(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[t]\n", nil)
	d.want([2]string{"!A", strings.Repeat("a", dialplan.MaxText)}, [2]string{"!B", strings.Repeat("b", 60000)})
	d.warns("${STRREPLACE(A,a,${B})}", "${STRBETWEEN(A,${B})}", "${SPRINTF(%99999999d,1)}")
	d.refuses("PUSH(A)", "x")
}

// TestEncodings holds DP-043.
func TestEncodings(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[t]\n", nil)
	d.want([][2]string{
		{"${MD5(abc)} ${SHA1(abc)}", "900150983cd24fb0d6963f7d28e17f72 a9993e364706816aba3e25717850c26c9cd0d89d"},
		{"${MD5(a,b)}", "b345e1dc09f20fdefdea469f09167892"},
		{"${BASE64_ENCODE(hello)} ${BASE64_DECODE(aGVsbG8=)} ${BASE64_DECODE(aGVsbG8)} ${BASE64_ENCODE(a,b)}", "aGVsbG8= hello hello YSxi"},
		{"${URIENCODE(a b&c=d/+)} ${URIDECODE(a%20b+c%26)}", "a%20b%26c%3Dd%2F%2B a b+c&"},
		{`${URIENCODE(a(b)c@d:e/f?g#h[i]j$k&l=m+n,o;p<q>r|s\t{u}v` + "`" + `w^x%y)}`, "a(b)c%40d%3Ae%2Ff%3Fg%23h%5Bi%5Dj%24k%26l%3Dm%2Bn%2Co%3Bp%3Cq%3Er%7Cs%5Ct%7Bu%7Dv%60w%5Ex%25y"},
		{`${URIENCODE(~-_.!*'"ü)} ${URIDECODE(%4)} ${URIDECODE(%zz)} ${URIDECODE(%41%4a%4A)}`, "~-_.!*'%22%C3%BC %4 %zz AJJ"},
		{"${LEN(${UUID()})}", "36"},
	}...)
	d.warns("${MD5()}", "${SHA1()}", "${BASE64_ENCODE()}", "${BASE64_DECODE()}", "${BASE64_DECODE(!!!!)}")
	if first, second := d.expand("${UUID()}"), d.expand("${UUID()}"); first == second {
		t.Error("two UUIDs are the same")
	}
}

// TestSprintf follows C's printf.
func TestSprintf(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[t]\n", nil)
	d.want([][2]string{
		{"${SPRINTF(%d,5)} ${SPRINTF(%05d|%x|%X|%o,5,255,255,8)} ${SPRINTF(%s-%s,a,b)}", "5 00005|ff|FF|10 a-b"},
		{"${SPRINTF(%10s|,a)} ${SPRINTF(%-5s|,a)} ${SPRINTF(%5.2f,3.14159)} ${SPRINTF(%.2s,abcdef)}", "         a| a    |  3.14 ab"},
		{"${SPRINTF(%e %g %G,1.5,0.0001,1e20)} ${SPRINTF(%c,65)} ${SPRINTF(%%)} ${SPRINTF(100%)}", "1.500000e+00 0.0001 1E+20 A % 100"},
		{"${SPRINTF(%u,-1)} ${SPRINTF(%i,7.9)} ${SPRINTF(%x,-1)} ${SPRINTF(%hhd,300)} ${SPRINTF(%ld,12345678901)}", "4294967295 7 ffffffff 44 12345678901"},
		{`${SPRINTF(%s,"a,b")} ${SPRINTF(%s\,%s,a,b)} ${SPRINTF("%s %s",a,b)} ${SPRINTF(abc)}`, "a,b a,b a b abc"},
		{"${SPRINTF(%+d % d %#x,5,5,255)} ${SPRINTF(%-+5d|,5)} ${SPRINTF(%.3d,5)} ${SPRINTF(%5s|%-5d|%05.1f,abcdefg,42,2.25)}", "+5  5 0xff +5   | 005 abcdefg|42   |002.2"},
		{"${SPRINTF(%.0f %#o %G %E %a,2.5,8,1e-10,1.5,1)} ${SPRINTF(%d %s,5,a,b,c)} ${SPRINTF(%f,1.5)} [${SPRINTF(%s|%3s,a)}]", "2 010 1E-10 1.500000E+00 0x1p+0 5 a 1.500000 [a|   ]"},
	}...)
	d.warns("${SPRINTF()}", "${SPRINTF(%d)}", "${SPRINTF(%d,abc)}", "${SPRINTF(%y,1)}", "${SPRINTF(%*d,5,3)}", "${SPRINTF(%f,abc)}", "${SPRINTF(%p,1)}", "${SPRINTF(%c,abc)}")
}
