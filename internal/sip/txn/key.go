package txn

import (
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// magicCookie starts the branches of RFC 3261 (§8.1.1.7).
const magicCookie = "z9hG4bK"

// clientKey finds the client transaction of a response (RFC 3261 §17.1.3).
type clientKey struct {
	branch string
	method sip.RequestMethod
}

// serverKey finds the server transaction of a request (RFC 3261 §17.2.3).
type serverKey struct {
	branch string
	host   string // sent-by
	port   int
	method sip.RequestMethod // INVITE for its ACK and CANCEL
}

// keyOf is the key of r's transaction, where r stands for the method given. r
// has passed [present].
func keyOf(r *sip.Request, method sip.RequestMethod) serverKey {
	via := r.Via()
	branch, _ := via.Params.Get("branch")
	if len(branch) <= len(magicCookie) || !strings.HasPrefix(branch, magicCookie) {
		branch = oldBranch(r, via)
	}
	return serverKey{branch: branch, host: via.Host, port: via.Port, method: method}
}

// oldBranch stands in for the branch of clients older than RFC 3261, which
// must be matched by other fields (§17.2.3). The To tag is left out, because
// it differs between an INVITE and its ACK.
func oldBranch(r *sip.Request, via *sip.ViaHeader) string {
	fromTag, _ := r.From().Params.Get("tag")
	return strings.Join([]string{
		"2543", r.Recipient.String(), fromTag, r.CallID().Value(),
		strconv.FormatUint(uint64(r.CSeq().SeqNo), 10), via.Value(),
	}, "\x00")
}

// mergeKey is the same for the copies of one request that arrived on several
// paths (RFC 3261 §8.2.2.2).
type mergeKey struct {
	callID, fromTag string
	cseq            uint32
	method          sip.RequestMethod
}

// mergeKeyOf is r's merge key; ok is false within dialogs, where there is
// none.
func mergeKeyOf(r *sip.Request) (k mergeKey, ok bool) {
	if r.To().Params.Has("tag") {
		return k, false
	}
	fromTag, ok := r.From().Params.Get("tag")
	return mergeKey{r.CallID().Value(), fromTag, r.CSeq().SeqNo, r.Method}, ok
}
