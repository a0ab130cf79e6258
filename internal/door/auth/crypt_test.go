package auth

import (
	"strings"
	"testing"
)

// The first seven hashes are the test vectors of the specification of SHA-crypt (U.
// Drepper, "Unix crypt using SHA-256 and SHA-512"), the others were made with glibc.
func TestCheckCrypt(t *testing.T) {
	const long = "a very much longer text to encrypt.  This one even stretches over morethan one line."
	for _, c := range []struct{ password, hash string }{
		{"Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"},
		{"Hello world!", "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA"},
		{"This is just a test", "$5$rounds=5000$toolongsaltstrin$Un/5jzAHMgOGZ5.mWJpuVolil07guHPvOW8mGRcvxa5"},
		{"Hello world!", "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"},
		{"Hello world!", "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v."},
		{"This is just a test", "$6$rounds=5000$toolongsaltstrin$lQ8jolhgVRVhY4b5pZKaysCLi0QBxGoNeKQzQ3glMhwllF7oGDZxUhx1yxdYcz/e1JSbq3y6JMxxl8audkUEm0"},
		{long, "$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1"},
		{"", "$6$rounds=1000$ab$ibFMAI/Igw53aVaJxJu4wwQmU0jF8lxiKV6mtjRJmbxKnzQU8fIizULiJeSfGn7H54dbRhqwIBpklchs8nlWi."},
		{"Hello world!", "$1$saltstri$YMyguxXMBpd2TEZ.vS/3q1"},
		{"Jürgen", "$1$abcd0123$Ey019QhgqpTwoBAfw9E0n."},
	} {
		if !CheckCrypt(c.hash, c.password) {
			t.Errorf("%s does not fit %q", c.hash, c.password)
		}
		for _, wrong := range []string{c.password + "x", "x", c.hash} {
			if CheckCrypt(c.hash, wrong) {
				t.Errorf("%s fits %q", c.hash, wrong)
			}
		}
		if CheckCrypt(c.hash[:len(c.hash)-1], c.password) || CheckCrypt(c.hash+"/", c.password) {
			t.Errorf("%s fits when it is cut or longer", c.hash)
		}
	}
}

func TestCheckCryptRefuses(t *testing.T) {
	for _, hash := range []string{
		"", "secret", "$", "$1$", "$6$", "$6$salt", "$6$salt$", "$6$$", "$5$rounds=$a$b", "$6$rounds=x$salt$hash",
		"$2b$05$abcdefghijklmnopqrstuv", "$y$j9T$salt$hash", "*0", "abJnggxhB/yWI", // others of crypt(3)
		"$6$rounds=999999999$saltstring$" + strings.Repeat("a", 86), // would keep the server busy
		"$6$saltstring$" + strings.Repeat("a", 10_000),
	} {
		for _, password := range []string{"", "secret", hash} {
			if CheckCrypt(hash, password) {
				t.Errorf("%.60q fits %.20q", hash, password)
			}
		}
	}
}

func FuzzCheckCrypt(f *testing.F) {
	f.Add("$5$rounds=1000$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", "x")
	f.Add("$1$saltstri$YMyguxXMBpd2TEZ.vS/3q1", "Hello")
	f.Add("$6$rounds=-1$$", "")
	f.Fuzz(func(t *testing.T, hash, password string) {
		if len(hash) > 3 && cryptRounds(hash) > 20_000 {
			t.Skip("it is right, and slow")
		}
		if CheckCrypt(hash, password) && len(hash) < 20 {
			t.Errorf("%q fits %q", hash, password)
		}
	})
}

func TestCheckHash(t *testing.T) {
	hash := Hash("secret")
	if !CheckHash(hash, "secret") || CheckHash(hash, "Secret") || CheckHash("secret", "secret") || CheckHash("", "") {
		t.Error("argon2id")
	}
}
