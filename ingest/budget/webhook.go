package budget

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/price"
)

// WebhookConfig says whom to tell of what happens to budgets. All fields but Secret and AllowPrivate are needed.
type WebhookConfig struct {
	URL    *url.URL       // http or https
	Secret account.Secret // signs what is sent; zero: nothing is signed
	// AllowPrivate lets the host be, or resolve to, a private, loopback or link-local address.
	AllowPrivate bool
	Events       price.BudgetEvents
	Log          *slog.Logger
}

const (
	webhookTries   = 8
	webhookFirst   = 10 * time.Second // before the second try; doubled each time: twenty minutes in all
	webhookTimeout = 10 * time.Second
	webhookLook    = 15 * time.Second // for events that wait since others failed, or were left by a process that ended
	webhookLease   = 3 * time.Minute  // a replica that took events tells them within that
	webhookBatch   = 16
)

// Webhook tells an address of events, one request each, until it answers with 2xx or was tried often enough. The events that wait are
// in their store, so that none is lost by a restart; several replicas share the work. An event can come twice, with the same id.
type Webhook struct {
	cfg    WebhookConfig
	client *http.Client
	wake   chan struct{}
}

// NewWebhook makes a Webhook; Run makes it work.
func NewWebhook(cfg WebhookConfig) *Webhook {
	dialer := &net.Dialer{Timeout: webhookTimeout}
	request := &http.Request{URL: cfg.URL}
	if proxy, err := http.ProxyFromEnvironment(request); !cfg.AllowPrivate && (err != nil || proxy == nil) { // a proxy is reached where it is
		dialer.ControlContext = refusePrivate
	}
	return &Webhook{cfg: cfg, wake: make(chan struct{}, 1), client: &http.Client{
		Timeout: webhookTimeout,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSHandshakeTimeout: webhookTimeout, MaxIdleConns: 2,
			IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
		},
		// Another address is not the one that was configured.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// errPrivate says that a host is inside the network.
var errPrivate = errors.New("a private address; allow_private lets it be one")

// shared is the range of carriers' networks, where clouds keep services of their own.
var shared = netip.MustParsePrefix("100.64.0.0/10")

// refusePrivate runs after names are resolved: one that changes its answer cannot lead inside.
func refusePrivate(_ context.Context, _, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("dial %s: %w", address, err)
	}
	a := ap.Addr().Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() || shared.Contains(a) {
		return errPrivate
	}
	return nil
}

// Wake makes Run look for events now. It never waits.
func (w *Webhook) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run tells of events until ctx ends.
func (w *Webhook) Run(ctx context.Context) {
	look := time.NewTicker(webhookLook)
	defer look.Stop()
	for {
		for w.tell(ctx) == webhookBatch {
		}
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		case <-look.C:
		}
	}
}

// tell takes some events and tells them, and gives their number.
func (w *Webhook) tell(ctx context.Context) int {
	now := time.Now()
	events, err := w.cfg.Events.ClaimBudgetEvents(ctx, now, now.Add(webhookLease), webhookBatch)
	if err != nil {
		if ctx.Err() == nil {
			w.cfg.Log.Warn("events of budgets could not be read for the webhook; they are looked for again", "error", err)
		}
		return 0
	}
	for i := range events {
		e := &events[i]
		err := w.send(ctx, e)
		if ctx.Err() != nil {
			return 0 // taken again when the lease is over
		}
		d := w.outcome(e, err, time.Now())
		if err := w.cfg.Events.SetDelivery(ctx, e.ID(), d); err != nil {
			w.cfg.Log.Warn("that the webhook was told of an event was not recorded; it may be told again", "budget", e.Name, "error", err)
		}
	}
	return len(events)
}

// outcome is what becomes of an event after a try.
func (w *Webhook) outcome(e *price.BudgetEvent, err error, now time.Time) price.Delivery {
	d := price.Delivery{State: price.DeliveryDone, Tries: e.Delivery.Tries + 1, At: now}
	if err == nil {
		return d
	}
	d.Error = err.Error()
	if d.Tries >= webhookTries {
		d.State = price.DeliveryFailed
		w.cfg.Log.Error("the webhook of budgets was not told of an event, and is not tried any more", "budget", e.Name, "kind", string(e.Kind), "tries", d.Tries, "error", err)
		return d
	}
	d.State, d.Next = price.DeliveryWaiting, now.Add(webhookFirst<<(d.Tries-1))
	return d
}

// told is what is sent.
type told struct {
	ID     string `json:"id"` // the same when it is sent again
	Type   string `json:"type"`
	Budget struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"budget"`
	Kind      string              `json:"kind"`                // threshold, refused, downgraded, cut, overrun
	Threshold int                 `json:"threshold,omitempty"` // percent of the limit
	Count     int64               `json:"count"`               // in the window until now
	Window    toldWindow          `json:"window"`
	At        time.Time           `json:"at"`
	Spent     price.BudgetFigures `json:"spent"`
	Limit     price.BudgetFigures `json:"limit"` // 0: no such limit
	Over      price.BudgetFigures `json:"over"`
}

type toldWindow struct {
	BeganAt *time.Time `json:"began_at"`
	EndsAt  *time.Time `json:"ends_at"`
}

// send tells of one event.
func (w *Webhook) send(ctx context.Context, e *price.BudgetEvent) error {
	out := told{
		ID: e.ID(), Type: "budget." + string(e.Kind), Kind: string(e.Kind), Threshold: e.Percent, Count: e.Count, At: e.At, Spent: e.Spent, Limit: e.Limit, Over: e.Over,
	}
	out.Budget.ID, out.Budget.Name = e.Budget, e.Name
	if !e.From.IsZero() {
		out.Window.BeganAt = &e.From
	}
	if !e.Until.IsZero() {
		out.Window.EndsAt = &e.Until
	}
	body, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("write the event: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.cfg.URL.String(), bytes.NewReader(body))
	if err != nil {
		return errors.New("the address is no URL")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "weir")
	req.Header.Set("X-Weir-Event-Id", out.ID)
	if !w.cfg.Secret.IsZero() {
		req.Header.Set(signatureHeader, Sign(w.cfg.Secret, time.Now(), body))
	}
	resp, err := w.client.Do(req)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // without the address, which may hold a secret
		}
		return fmt.Errorf("not reached: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("answered %d", resp.StatusCode)
	}
	return nil
}

const signatureHeader = "X-Weir-Signature"

// Sign is the signature of a body sent at a moment: t=SECONDS,v1=HEX, where HEX is the HMAC-SHA256 with the secret of the seconds, a
// dot, and the body. Who checks it refuses what is old, so that nobody can send it again.
func Sign(secret account.Secret, at time.Time, body []byte) string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	mac.Write([]byte(seconds + "."))
	mac.Write(body)
	return "t=" + seconds + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}
