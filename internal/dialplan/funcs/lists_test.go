package funcs

import "testing"

// TestCut holds DP-037.
func TestCut(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[t]\n", nil)
	d.want([][2]string{
		{"!L", "a,b,c,d"}, {"!P", "15551234567-moreinfo-even"}, {"!U", "x,,y,"}, {"!S", "a b  c"}, {"!F", ",a,b"},
		{"${CUT(P,,1)} ${CUT(P,-,2)} [${CUT(P,,9)}] ${CUT(P,-o,2)}", "15551234567 moreinfo [] moreinfo"},
		{`${CUT(L,\,,2)} ${CUT(L,\,,2-3)} ${CUT(L,\,,2-)} ${CUT(L,\,,-2)} ${CUT(L,\,,1&4)} ${CUT(L,,1)}`, "b b,c b,c,d a,b a,d a,b,c,d"},
		{`[${CUT(L,\,,3-1)}] ${CUT(L,\,,2-99)} ${CUT(L,\,,4&1)} ${CUT(L,\,,1-2&4)} ${CUT(U,\,,1-)} ${CUT(U,\,,3)}`, "[] b,c,d d a,b,d x,,y, y"},
		{`${CUT(S, ,2)} ${CUT(S," ",2)} ${CUT(L,",",2)} ${CUT(P,-,1,2)} [${CUT(NOPE,-,1)}] [${CUT(P,-,0)}]`, "b b b 15551234567 [] []"},
		{`${CUT(F,\,,2)} [${CUT(F,\,,1)}]`, "a []"},
		{`${CUT(L:2,\,,1-2)} ${CUT(F,\,,1-)} ${CUT(F,\,,1&3)}`, "b,c ,a,b ,b"},
	}...)
	d.warns("${CUT(P)}", "${CUT(P,-)}", "${CUT(P,-,x)}", "${CUT(,-,1)}")
}

// TestFields holds the counts of DP-038.
func TestFields(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[t]\n", nil)
	d.want([][2]string{
		{"!A", "abcdef"}, {"!L", "a,b,c,d"}, {"!E", ""}, {"!U", "x,,y,"}, {"!S", "a b  c"}, {"!LL", "aa,a,aa,a"}, {"!LV", "a;b;c"},
		{"${FIELDQTY(A,c)} ${FIELDNUM(A,c,def)}", "2 2"},
		{`${FIELDQTY(L,\,)} ${FIELDQTY(NOPE,\,)} ${FIELDQTY(E,\,)} ${FIELDQTY(U,\,)} ${FIELDQTY(A)} ${FIELDQTY(S, )} ${FIELDQTY(LL,aa)} ${FIELDQTY(L,",")} ${FIELDQTY(L,)} ${FIELDQTY(S,\x20)}`, "4 0 0 4 1 4 7 1 1 4"},
		{`${FIELDNUM(L,\,,c)} ${FIELDNUM(L,\,,x)} ${FIELDNUM(NOPE,\,,x)} ${FIELDNUM(LL,\,,aa)} ${FIELDNUM(L,\,,C)} ${FIELDNUM(L,\,,"c")}`, "3 0 0 1 3 0"},
		{`${LISTFILTER(L,\,,b)} ${LISTFILTER(L,\,,a)} ${LISTFILTER(L,\,,d)} ${LISTFILTER(L,\,,x)} ${LISTFILTER(L,",",c)} ${LISTFILTER(L,,b)}`, "a,c,d b,c,d a,b,c a,b,c,d a,b,d a,c,d"},
		{`${LISTFILTER(LL,\,,a)} ${LISTFILTER(LL,\,,aa)} ${LISTFILTER(LL,\,,)} ${LISTFILTER(LV,;,b)} [${LISTFILTER(NOPE,-,b)}] ${LISTFILTER(L,\,,"b")} ${LISTFILTER(L,\,,B)}`, "aa,aa a,a aa,a,aa,a a;c [] a,b,c,d a,b,c,d"},
		{"${SORT(x:3,y:1,z:2)} ${SORT(b:10,a:9,c:-1.5)} [${SORT(a,b)}] ${SORT(x:1,y:1)} ${SORT(x:q,y:1)} [${SORT()}] ${SORT(a:1.5,b:1.25,c:1e1)}", "y,z,x c,a,b [] x,y x,y [] b,a,c"},
	}...)
	d.warns("${LISTFILTER(a)}", `${FIELDNUM(LL,\,)}`, "${FIELDNUM(LL)}")
}

// TestStacks holds DP-045.
func TestStacks(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[globals]\nG=a,b\n[t]\n", nil)
	d.want([][2]string{
		{"!L", "a,b,c,d"},
		{"${SHIFT(L)} ${L}", "a b,c,d"},
		{"${POP(L)} ${L}", "d b,c"},
		{"!PUSH(L)", "x"}, {"!UNSHIFT(L)", "y"},
		{"${L}", "y,b,c,x"},
		{"!M", "a-b-c"},
		{"${SHIFT(M,-)} ${M} ${POP(M,-)} ${M} ${POP(M,-)} [${M}] [${POP(M,-)}] [${SHIFT(M)}]", "a b-c c b b [] [] []"},
		{"!PUSH(N)", "a"}, {"!PUSH(N)", "b,c"}, {"!UNSHIFT(N,-)", "z"}, {`!PUSH(N,\,)`, "q"},
		{"${N}", "z-a,b,c,q"},
		{"!K", ""}, {"!PUSH(K)", ""}, {"[${K}]", "[]"}, {"!PUSH(K)", "a"}, {"!PUSH(K)", ""}, {"!UNSHIFT(K)", ""}, {"[${K}]", "[,a,]"},
		{"${SHIFT(G)} ${G} ${GLOBAL(G)}", "a b a,b"},
	}...)
	d.warns("${SHIFT()}", "${POP()}", "${PUSH(L)}")
	d.refuses("PUSH()", "x")
	d.refuses("SHIFT(L)", "x")
}

// TestArray holds the arrays of DP-044.
func TestArray(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[t]\n", nil)
	d.want([][2]string{
		{"!ARRAY(P,Q,R)", `1,2\,2`}, {"[${P}] [${Q}] [${R}]", "[1] [2,2] []"},
		{"!ARRAY(P,Q)", "a,b,c"}, {"[${P}] [${Q}]", "[a] [b]"},
		{"!ARRAY(P,Q)", `"1,2",3`}, {"${P}/${Q}", "1,2/3"},
		{"!ARRAY(_P,Q)", " 1 , 2 "}, {"${P}/${Q}", " 1 / 2 "},
		{"!ARRAY(P,Q)", ""}, {"[${P}${Q}]", "[]"},
		{"!ARRAY(P,,R)", "1,2,3"}, {"${P}${R}", "13"},
		{"!ARRAY(P,Q)", `"x" y,\"z\"`}, {"${P}|${Q}", `x y|"z"`},
		{"!ARRAY(P,Q)", "(1,2),[3,4]"}, {"${P}|${Q}", "(1,2)|[3,4]"},
	}...)
	d.warns("${ARRAY(P)}")
	d.refuses("ARRAY()", "x")
}

// TestHash holds the hashes of DP-044. The key written last comes first.
func TestHash(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[t]\n", nil)
	d.want([][2]string{
		{"!HASH(h,a)", "1"}, {"!HASH(h,c)", "3"}, {"!HASH(h,b)", "2"},
		{"${HASH(h,a)} ${HASH(h,b)} [${HASH(h,zz)}] [${HASH(h,)}]", "1 2 [] []"},
		{"${HASHKEYS(h)} ${HASH(h)}", "b,c,a 2,3,1"},
		{"!HASH(g)", "x,y,z"}, {"${HASHKEYS(g)} ${HASH(g,b)}", "a,c,b x"},
		{"!HASH(h,a)", ""}, {"${HASHKEYS(h)} [${HASH(h,a)}]", "a,b,c []"},
		{"!HASH(h,d d)", `x"y`}, {"${HASH(h,d d)} ${~HASH~h~b~}", `x"y 2`},
		{"!HASH(h2,a)", "5"}, {"${HASHKEYS(h2)} [${HASHKEYS()}] [${HASH()}]", "a [] []"},
	}...)
	d.refuses("HASH()", "x")
	d.refuses("HASHKEYS(h)", "x")
}
