package webphone

import (
	"context"
	"fmt"
	"testing"

	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/softphone"
	"github.com/dialwright/dialwright/test/browser"
)

// ear makes the page's heard() tell the loudest tone of the sound that it plays last, in Hz.
const ear = `(() => {
  const real = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "srcObject");
  let analyser;
  Object.defineProperty(HTMLMediaElement.prototype, "srcObject", { ...real, set(stream) {
    real.set.call(this, stream);
    if (!stream) return;
    const context = new AudioContext();
    analyser = context.createAnalyser();
    analyser.fftSize = 8192;
    context.createMediaStreamSource(stream).connect(analyser);
  } });
  globalThis.heard = () => {
    if (!analyser) return 0;
    const bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    let best = 0;
    bins.forEach((level, i) => { if (level > bins[best]) best = i; });
    return bins[best] > -60 ? (best * analyser.context.sampleRate) / analyser.fftSize : 0;
  };
})()`

// consolePhone is the console with its phone.
type consolePhone struct{ *browser.Tab }

// enter logs ada in, whose phone is 103, and switches the phone of the browser on.
func (l *lab) enter() *consolePhone {
	l.t.Helper()
	p := &consolePhone{l.b.Open("console", fmt.Sprintf("http://127.0.0.1:%d/console/login", l.s.HTTP))}
	p.Fill("#user", "ada")
	p.Fill("#password", "secret")
	p.Click("button")
	p.Visible("main h1")
	p.Eval(ear)
	p.Eval(`localStorage.setItem("dialwright.phone.clean", "no")`) // a steady tone is noise
	p.Do("goto", browser.Args{"url": fmt.Sprintf("http://127.0.0.1:%d/console/#/dial", l.s.HTTP)})
	p.Eval("location.reload()")
	p.Visible(`role=button[name="Phone off"]`)
	p.Eval(ear)
	p.Click(`role=button[name="Phone off"]`)
	p.Click(`role=button[name="Switch the phone on"]`)
	p.Visible(`role=button[name="Phone ready"]`)
	return p
}

// says waits until the phone's state holds a text.
func (p *consolePhone) says(text string) { p.Says("[data-testid=phone-state]", text) }

// hears waits until the page hears a tone.
func (p *consolePhone) hears(hz int) {
	p.Wait(fmt.Sprintf("Math.abs(heard() - %d) < 25", hz))
}

// button clicks a button of the phone.
func (p *consolePhone) button(name string) {
	p.Click(fmt.Sprintf(`role=region[name="Phone in this browser"] >> role=button[name=%q]`, name))
}

func newConsoleLab(t *testing.T) (*lab, *consolePhone) {
	t.Helper()
	l := newLab(t, fmt.Sprintf("[users.ada]\npassword = %q\nrole = \"admin\"\nphone = \"103\"\n", auth.CheapHash("secret")))
	return l, l.enter()
}

// TestConsoleCalls: the console's phone calls a desk phone, which hears it and is heard; it is
// muted, holds, sends keys and hangs up. The desk phone calls back, and hangs up.
func TestConsoleCalls(t *testing.T) {
	l, p := newConsoleLab(t)
	desk := l.desk(softphone.Rule{Action: softphone.Answer})
	p.Fill(`role=textbox[name="Number to dial with this phone"]`, "1 01")
	p.button("Dial")
	c := l.next(desk)
	p.says("talking")
	l.hears(c, browserTone)
	p.hears(phoneTone)
	p.Shot("talking")

	p.button("Mute")
	l.must(c.WaitSilence)
	p.button("Unmute")
	l.hears(c, browserTone)
	p.button("Keypad")
	p.button("Key 5")
	p.Press("#") // the focus is on the keys
	l.must(func(ctx context.Context) error { return c.WaitDigits(ctx, "5#") })
	p.button("Hold")
	p.says("on hold")
	l.must(func(ctx context.Context) error { return waitNot(ctx, c, browserTone) })
	p.button("Take back")
	p.says("talking")
	l.hears(c, browserTone)
	p.hears(phoneTone)
	p.button("Hang up")
	l.must(c.WaitEnded)
	p.says("You have hung up.")

	p.button("Close")
	var back *softphone.Call
	l.must(func(ctx context.Context) (err error) {
		back, err = desk.Dial(ctx, "103")
		return err
	})
	p.says("calls you")
	p.Shot("ringing")
	p.button("Answer")
	l.must(back.WaitAnswered)
	l.hears(back, browserTone)
	p.hears(phoneTone)
	back.Hangup()
	p.says("The call is over.")
}

// TestConsoleClick: the console's own click rings its phone, which answers by itself; refusing
// tells the caller; logging out takes the phone away.
func TestConsoleClick(t *testing.T) {
	l, p := newConsoleLab(t)
	desk := l.desk(softphone.Rule{Action: softphone.Answer})
	p.Fill(`role=textbox[name="Number"]`, "101")
	p.Click(`main >> role=button[name="Call"]`)
	c := l.next(desk)
	l.hears(c, browserTone)
	p.hears(phoneTone)
	p.Says("[data-testid=follow]", "connected")
	p.Shot("click")
	p.button("Hang up")
	l.must(c.WaitEnded)
	p.Says("[data-testid=follow]", "answered")
	p.button("Close")

	var again *softphone.Call
	l.must(func(ctx context.Context) (err error) {
		again, err = desk.Dial(ctx, "103")
		return err
	})
	p.says("calls you") // not its own click: it waits to be answered
	p.button("Refuse")
	l.must(again.WaitEnded)
	if got := again.Info().Status; got != 486 {
		t.Errorf("who was refused was told %d, want 486", got)
	}

	p.Click(`role=button[name="Log out"]`)
	p.Visible("#password")
	gone := func(ctx context.Context) error {
		for {
			n, err := desk.Dial(ctx, "103")
			if err != nil {
				return err
			}
			if err := n.WaitEnded(ctx); err != nil {
				return err
			}
			if s := n.Info().Status; s == 480 || s == 404 {
				return nil
			}
		}
	}
	l.must(gone)
}
