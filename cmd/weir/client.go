package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/account"
)

const (
	defaultURL = "http://127.0.0.1:4000"
	// maxAnswer bounds what is read of one answer: a call's bodies are some megabytes.
	maxAnswer = 256 << 20
)

// client asks a running weir. Safe for concurrent use.
type client struct {
	base    *url.URL
	token   account.Secret
	where   string // where the token was looked for, for people
	http    *http.Client
	timeout time.Duration // of one request
}

// clientFlags are those of every verb that asks a running weir.
func clientFlags(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.String("url", "", "address of the running weir (WEIR_URL; "+defaultURL+")")
	f.String("data", "", "data directory of a weir on this machine, where its admin token is (WEIR_DATA; ./data)")
	f.Bool("json", false, "print the API's JSON as it came")
}

// newClient finds the weir and the admin token that the command's flags and the environment name. A missing token is
// no error yet: the server says so when it wants one.
func newClient(cmd *cobra.Command) (*client, error) {
	flag, _ := cmd.Flags().GetString("url")
	text := cmp.Or(flag, os.Getenv("WEIR_URL"), defaultURL)
	base, err := url.Parse(text)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("the address %q is not a URL such as %s (--url or WEIR_URL)", text, defaultURL)
	}
	base.RawQuery, base.Fragment = "", ""
	base.Path = strings.TrimSuffix(strings.TrimSuffix(base.Path, "/"), "/v1") // people paste the base_url of their clients
	c := &client{
		base: base, timeout: time.Minute,
		http: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	return c, c.findToken(cmd)
}

// findToken takes WEIR_ADMIN_TOKEN, or the token in the data directory for a weir on this machine.
func (c *client) findToken(cmd *cobra.Command) error {
	if v := os.Getenv("WEIR_ADMIN_TOKEN"); v != "" {
		c.token, c.where = account.NewSecret(v), "WEIR_ADMIN_TOKEN"
		return nil
	}
	if !loopback(c.base.Hostname()) {
		c.where = "WEIR_ADMIN_TOKEN, which is not set"
		return nil
	}
	cfg, err := configOf(cmd)
	if err != nil && !errors.Is(err, errConfig) { // whatever else is wrong with it, it says where the data is
		return err
	}
	c.where = filepath.Join(cfg.Data, adminTokenFile)
	text, err := os.ReadFile(c.where)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read the admin token (or set WEIR_ADMIN_TOKEN): %w", err)
	}
	c.token = account.NewSecret(strings.TrimSpace(string(text)))
	if c.token.IsZero() {
		c.where += ", where there is none"
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// apiError is what the API answered in place of what was asked for.
type apiError struct {
	Status  int
	Code    string
	Message string
}

// Error is the API's own sentence with its code.
func (e *apiError) Error() string {
	if e.Code == "" {
		return e.Message
	}
	return e.Message + " (" + e.Code + ")"
}

// errNoServer is in the chain when nothing answers.
var errNoServer = errors.New("no weir answers")

// get reads a path below /api/v1 into out, unless that is nil, and gives the answer as it came.
func (c *client) get(ctx context.Context, path string, query url.Values, out any) ([]byte, error) {
	return c.do(ctx, http.MethodGet, path, query, nil, out)
}

// do asks for a path below /api/v1, its elements already escaped. in, unless nil, is sent as JSON.
func (c *client) do(ctx context.Context, method, path string, query url.Values, in, out any) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	res, err := c.send(ctx, method, path, query, in, nil)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	raw, err := c.read(res)
	if err != nil {
		return nil, err
	}
	if out != nil {
		if err := json.Unmarshal(raw, out); err != nil {
			return nil, c.stranger(res)
		}
	}
	return raw, nil
}

// send asks for a path below /api/v1, its elements already escaped, with header beside what all requests have. The caller closes the body.
func (c *client) send(ctx context.Context, method, path string, query url.Values, in any, header http.Header) (*http.Response, error) {
	var body io.Reader = http.NoBody
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("write request: %w", err)
		}
		body = bytes.NewReader(text)
	}
	at := c.base.JoinPath("api/v1", path)
	at.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, at.String(), body)
	if err != nil {
		return nil, fmt.Errorf("write request: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "weir/"+version)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if !c.token.IsZero() {
		req.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	}
	maps.Copy(req.Header, header)
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreached(err)
	}
	return res, nil
}

// read gives an answer whole, or the error that it is.
func (c *client) read(res *http.Response) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", c.base.Redacted(), err)
	}
	if len(raw) > maxAnswer {
		return nil, fmt.Errorf("the answer of %s is larger than %d MB; ask for less at once", c.base.Redacted(), maxAnswer>>20)
	}
	if res.StatusCode >= 300 {
		return nil, c.refused(res, raw)
	}
	return raw, nil
}

// unreached says why nothing came back.
func (c *client) unreached(err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("the weir at %s did not answer within %s; ask for a shorter time, or look at its log", c.base.Redacted(), c.timeout)
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // without the URL: it is said already
	}
	return fmt.Errorf("%w at %s; start it with weir serve, or set WEIR_URL (%w)", errNoServer, c.base.Redacted(), err)
}

// refused reads the API's error out of an answer.
func (c *client) refused(res *http.Response, raw []byte) error {
	var env struct {
		Error struct {
			Message string `json:"message"`
			Code    string `json:"code"`
		} `json:"error"`
	}
	if err := json.Unmarshal(raw, &env); err != nil || env.Error.Message == "" {
		return c.stranger(res)
	}
	e := &apiError{Status: res.StatusCode, Code: env.Error.Code, Message: env.Error.Message}
	if e.Status == http.StatusUnauthorized {
		what := "is not the admin token of"
		if c.token.IsZero() {
			what = "is missing for"
		}
		e.Message = fmt.Sprintf("the token %s the weir at %s (looked at %s); set WEIR_ADMIN_TOKEN, or name its data directory with --data", what, c.base.Redacted(), c.where)
	}
	return e
}

// stranger is the error about an answer that weir would not give.
func (c *client) stranger(res *http.Response) error {
	return fmt.Errorf("what answers at %s does not speak weir's API (HTTP %d): is the address right? (--url or WEIR_URL)", c.base.Redacted(), res.StatusCode)
}
