package engine

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// Exception is an error the engine answered.
type Exception struct {
	Code    int    // the number of the ClickHouse error, 0 < Code
	Message string // the engine's whole text, "Code: 60. DB::Exception: …"
}

func (e *Exception) Error() string { return e.Message }

// Codes of ClickHouse errors that this package raises itself or treats apart.
const (
	codeSyntaxError     = 62
	codeReadonly        = 164
	codeNotImplemented  = 48
	codeBadArguments    = 36
	codeUnknownSetting  = 115
	codeUnknownErrorTag = 1002 // UNKNOWN_EXCEPTION
)

var exceptionCode = regexp.MustCompile(`Code: (\d+)\.`)

// parseException reads the code out of the engine's text. A text without one is UNKNOWN_EXCEPTION.
func parseException(text string) *Exception {
	text = strings.TrimSpace(text)
	if m := exceptionCode.FindStringSubmatch(text); m != nil {
		if code, err := strconv.Atoi(m[1]); err == nil && code > 0 {
			return &Exception{Code: code, Message: text}
		}
	}
	return exceptionf(codeUnknownErrorTag, "UNKNOWN_EXCEPTION", "%s", text)
}

// exceptionf makes an exception in the server's own form, so that a client parses it alike.
func exceptionf(code int, name, format string, args ...any) *Exception {
	return &Exception{Code: code, Message: fmt.Sprintf("Code: %d. DB::Exception: %s. (%s)", code, fmt.Sprintf(format, args...), name)}
}

// status is the HTTP status that a ClickHouse server gives to the exception.
func (e *Exception) status() int {
	switch e.Code {
	case 6, 15, 25, 26, 27, 36, 38, 41, 43, 53, 62, 72, 76, 117, 167, 168, 321, 427, 441, 449, 675, 676:
		return http.StatusBadRequest
	case 46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 336:
		return http.StatusNotFound
	case codeNotImplemented:
		return http.StatusNotImplemented
	case 202, 209, 439:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
