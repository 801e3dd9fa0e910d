package engine

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

const (
	// maxQuerySize bounds the text of a statement that comes as a body, in bytes.
	maxQuerySize = 64 << 20

	// maxInsertSize bounds the rows of one INSERT, in bytes.
	maxInsertSize = 1 << 30
)

// httpServer answers the part of ClickHouse's HTTP protocol that its clients use: a query in the URL or the body, rows
// after it, settings, parameters and the database in the URL. Every answer is whole before its first byte is sent, so
// an error always has its status and X-ClickHouse-Exception-Code.
type httpServer struct {
	sessions *sessions
	spool    func() (*spoolFile, error) // makes the file that an INSERT reads its rows from
	hello    []byte
}

func (h *httpServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/ping":
		_, _ = io.WriteString(w, "Ok.\n")
		return
	case "", "/":
	default:
		http.Error(w, "there is only / and /ping", http.StatusNotFound)
		return
	}
	if err := h.serve(w, r); err != nil {
		writeError(w, r, err)
	}
}

func (h *httpServer) serve(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return exceptionf(codeBadArguments, "BAD_ARGUMENTS", "Method %s is not understood: use GET or POST", r.Method)
	}
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media == "multipart/form-data" {
		return exceptionf(codeNotImplemented, "NOT_IMPLEMENTED", "External tables are not supported by the embedded engine: put the rows into a table or an array parameter")
	}
	if enc := r.Header.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return exceptionf(codeNotImplemented, "NOT_IMPLEMENTED", "Content-Encoding %s is not supported by the embedded engine: send plain bytes", enc)
	}
	req, err := readURL(r.URL.Query())
	if err != nil {
		return err
	}
	if format := r.Header.Get("X-ClickHouse-Format"); format != "" && req.format == "" {
		req.format = format
	}
	if database := r.Header.Get("X-ClickHouse-Database"); database != "" && req.database == "" {
		req.database = database
	}
	if req.format != "" && !isName(req.format) {
		return exceptionf(codeBadArguments, "BAD_ARGUMENTS", "%q is not the name of a format", req.format)
	}

	text, body := req.sql, io.Reader(r.Body)
	if text == "" {
		raw, err := io.ReadAll(io.LimitReader(r.Body, maxQuerySize+1))
		if err != nil {
			return err
		}
		if len(raw) > maxQuerySize {
			return &tooLarge{limit: maxQuerySize, advice: "send its rows apart from the statement, with the statement in the URL"}
		}
		text, body = string(raw), nil
	}
	if strings.HasPrefix(text, helloQuery) {
		return writeResult(w, "Native", h.hello)
	}
	st, err := parseStatement(text)
	if err != nil {
		return err
	}
	if r.Method == http.MethodGet && !st.read {
		return exceptionf(codeReadonly, "READONLY", "Cannot execute query in readonly mode: for queries over HTTP, method GET implies readonly. Use method POST for modifying queries")
	}
	if st.takesData {
		return h.insert(w, r, req, st, body)
	}
	if body != nil {
		rest, err := io.ReadAll(io.LimitReader(body, maxQuerySize))
		if err != nil {
			return err
		}
		if len(rest) > 0 {
			if st, err = parseStatement(text + "\n" + string(rest)); err != nil {
				return err
			}
		}
	}
	req.sql = st.text
	req.killable, req.changesSession = st.read, st.session
	if req.format == "" {
		req.format = "TabSeparated"
	}
	res, err := h.sessions.run(r.Context(), req)
	if err != nil {
		return err
	}
	defer res.free()
	return writeResult(w, req.format, res.bytes)
}

// insert puts the rows into a file first: the whole of them must be here before the engine sees the first.
// It is not killed when its client goes away; its deduplication token makes the retry safe.
func (h *httpServer) insert(w http.ResponseWriter, r *http.Request, req request, st statement, body io.Reader) error {
	file, err := h.spool()
	if err != nil {
		return err
	}
	defer file.close()
	rows := io.Reader(strings.NewReader(st.data))
	if body != nil {
		rows = io.MultiReader(rows, body)
	}
	n, err := io.Copy(file, io.LimitReader(rows, maxInsertSize+1))
	if err != nil {
		return err
	}
	if n > maxInsertSize {
		return &tooLarge{limit: maxInsertSize, advice: "send smaller batches"}
	}
	if n == 0 {
		return writeResult(w, "", nil)
	}
	format := "Values"
	if req.format != "" && req.format != "Native" {
		format = req.format
	}
	req.sql, req.format = st.fromFile(file.path, format), "Null"
	res, err := h.sessions.run(context.WithoutCancel(r.Context()), req)
	if err != nil {
		return err
	}
	res.free()
	return writeResult(w, "", nil)
}

var settingName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func isName(s string) bool { return settingName.MatchString(s) }

// readURL sorts the URL's values: those the protocol gives a meaning, parameters, and settings.
func readURL(values url.Values) (request, error) {
	r := request{settings: map[string]string{}}
	for name, all := range values {
		value := all[len(all)-1]
		switch name {
		case "query":
			r.sql = value
		case "database":
			r.database = value
		case "default_format":
			r.format = value
		case "client_protocol_version", "query_id", "quota_key", "user", "password", "role", "stacktrace",
			"wait_end_of_query", "buffer_size", "async_insert", "wait_for_async_insert", "enable_http_compression":
			// Nothing to do: the engine has one user, answers when the statement has ended, and inserts at once.
		case "compress", "decompress":
			if value != "0" && value != "" && value != "false" {
				return r, exceptionf(codeNotImplemented, "NOT_IMPLEMENTED", "%s is not supported by the embedded engine: switch compression off", name)
			}
		case "session_id", "session_timeout", "session_check":
			return r, exceptionf(codeNotImplemented, "NOT_IMPLEMENTED", "Sessions are not supported by the embedded engine: give settings with each query")
		default:
			if after, ok := strings.CutPrefix(name, "param_"); ok {
				r.params = append(r.params, param{name: after, value: value})
				continue
			}
			if !isName(name) {
				return r, exceptionf(codeUnknownSetting, "UNKNOWN_SETTING", "%q is not the name of a setting", name)
			}
			r.settings[name] = value
		}
	}
	return r, nil
}

func writeResult(w http.ResponseWriter, format string, result []byte) error {
	header := w.Header()
	header.Set("Content-Type", contentType(format))
	header.Set("Content-Length", strconv.Itoa(len(result)))
	if format != "" {
		header.Set("X-ClickHouse-Format", format)
	}
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(result) // the client that has gone does not wait for an error
	return nil
}

func contentType(format string) string {
	switch format {
	case "", "TabSeparated", "TSV":
		return "text/tab-separated-values; charset=UTF-8"
	case "CSV", "CSVWithNames":
		return "text/csv; charset=UTF-8"
	case "JSONEachRow":
		return "application/x-ndjson; charset=UTF-8"
	case "JSON", "JSONCompact":
		return "application/json; charset=UTF-8"
	}
	return "application/octet-stream"
}

// tooLarge refuses a request body.
type tooLarge struct {
	limit  int64
	advice string
}

func (e *tooLarge) Error() string {
	return "the request is larger than " + strconv.FormatInt(e.limit>>20, 10) + " MiB: " + e.advice
}

func writeError(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody is there to read it
	}
	var (
		exception *Exception
		large     *tooLarge
	)
	w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
	switch {
	case errors.As(err, &exception):
		w.Header().Set("X-ClickHouse-Exception-Code", strconv.Itoa(exception.Code))
		w.WriteHeader(exception.status())
	case errors.As(err, &large):
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	default:
		w.WriteHeader(http.StatusInternalServerError)
	}
	_, _ = io.WriteString(w, err.Error()+"\n")
}
