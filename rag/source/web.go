package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/internal/outbox"
	"github.com/weir-dev/weir/rag"
)

const mostRedirects = 5

// fetch reads a document from an address.
func (r *Reader) fetch(ctx context.Context, address string) (rag.Document, error) {
	at, err := url.Parse(address)
	if err != nil {
		return rag.Document{}, refusef("", address, "it is no address: %w", errors.Unwrap(err))
	}
	at.Fragment = ""
	at.User = nil // no secrets in ids
	id := at.String()
	doc, err := r.get(ctx, at)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok { // which has the address again
			err = e.Err
		}
		if errors.Is(err, outbox.ErrPrivate) {
			err = errors.New("its host is inside the network, or leads there: a private address; --allow-private lets it be one")
		}
		return rag.Document{}, &rag.DocumentError{Document: id, Err: err}
	}
	doc.ID = id
	return doc, nil
}

func (r *Reader) get(ctx context.Context, at *url.URL) (rag.Document, error) {
	if err := r.allowed(at); err != nil {
		return rag.Document{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(r.Timeout, defaultTimeout))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), http.NoBody)
	if err != nil {
		return rag.Document{}, err
	}
	req.Header.Set("User-Agent", "weir")
	req.Header.Set("Accept", "text/html, text/markdown, text/plain, text/csv, application/json;q=0.5")
	res, err := r.http().Do(req)
	if err != nil {
		return rag.Document{}, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return rag.Document{}, fmt.Errorf("the server answered %d", res.StatusCode)
	}
	k, err := kindOf(res)
	if err != nil {
		return rag.Document{}, err
	}
	if res.ContentLength > r.most() {
		return rag.Document{}, tooLong(res.ContentLength, r.most())
	}
	raw, err := readAll(res.Body, r.most())
	if err != nil {
		return rag.Document{}, err
	}
	return r.decode("", k, raw)
}

// allowed says whether an address may be asked.
func (r *Reader) allowed(at *url.URL) error {
	if at.Scheme != "http" && at.Scheme != "https" {
		return fmt.Errorf("addresses with %s are not read", at.Scheme)
	}
	host := strings.ToLower(at.Host)
	fits := func(allowed string) bool {
		allowed = strings.ToLower(allowed)
		if below, ok := strings.CutPrefix(allowed, "*."); ok {
			return strings.HasSuffix(host, "."+below)
		}
		return host == allowed
	}
	if host == "" || !slices.ContainsFunc(r.Hosts, fits) {
		return fmt.Errorf("the host %q is not among those that may be read from; name it with --allow-host", host)
	}
	return nil
}

// http is a client that keeps to the hosts allowed.
func (r *Reader) http() *http.Client {
	r.once.Do(func() {
		r.client = &http.Client{
			Transport: &http.Transport{
				DialContext: outbox.Dialer(r.AllowPrivate).DialContext, TLSHandshakeTimeout: outbox.Timeout,
				MaxIdleConns: 4, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
			},
			CheckRedirect: func(req *http.Request, via []*http.Request) error {
				if len(via) >= mostRedirects {
					return fmt.Errorf("more than %d redirects", mostRedirects)
				}
				if err := r.allowed(req.URL); err != nil {
					return fmt.Errorf("it leads elsewhere: %w", err)
				}
				return nil
			},
		}
	})
	return r.client
}

// kindOf is what an answer is, by what its server says, else by its address.
func kindOf(res *http.Response) (kind, error) {
	bySuffix := kinds[strings.ToLower(path.Ext(res.Request.URL.Path))]
	media, params, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil {
		media = ""
	}
	if charset := strings.ToLower(params["charset"]); charset != "" && charset != "utf-8" && charset != "us-ascii" {
		return kind{}, fmt.Errorf("its text is in %.40s; only UTF-8 is read", charset)
	}
	switch media {
	case "text/html", "application/xhtml+xml":
		return kind{form: asHTML}, nil
	case "text/markdown", "text/x-markdown":
		return kind{kind: rag.Markdown}, nil
	case "text/csv":
		return kinds[".csv"], nil
	case "text/tab-separated-values":
		return kinds[".tsv"], nil
	case "application/pdf":
		return kind{}, errPDF
	case "", "text/plain", "application/octet-stream", "application/json", "application/yaml", "text/x-python", "text/javascript", "application/javascript", "text/css", "application/xml", "text/xml":
		if bySuffix.form == asPDF {
			return kind{}, errPDF
		}
		if bySuffix.form == asLines {
			return kind{}, errors.New("JSON lines are read from files only; fetch it first")
		}
		return bySuffix, nil
	}
	return kind{}, fmt.Errorf("what the server calls %.60q is not read", media)
}
