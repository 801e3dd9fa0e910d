package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/weir-dev/weir/internal/badserver"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

type (
	talk  = *dialogue
	reply = badserver.Reply
)

// unavailable is what comes of a provider that gave no answer.
func unavailable(talk) outcome {
	return outcome{status: 502, code: "weir_upstream_unavailable", record: trace.StatusError, errors: "weir_upstream_unavailable", source: llm.NoUsage, kept: new("")}
}

func late(talk) outcome {
	return outcome{status: 504, code: "weir_upstream_timeout", record: trace.StatusError, errors: "weir_upstream_timeout", source: llm.NoUsage, kept: new("")}
}

// whole is what comes of a good answer.
func whole(d talk) outcome { return outcome{body: d.answer, source: llm.FromProvider} }

// brokenOff is what comes of an answer that broke off behind cut: a stream breaks for the client too, a plain answer, of which
// it has seen nothing, becomes an error. What was generated is paid for.
func brokenOff(d talk) outcome {
	if d.stream {
		return outcome{body: d.cut(), broken: true, record: trace.StatusError, errors: "stream_truncated", source: llm.Estimated}
	}
	o := unavailable(d)
	o.source, o.kept = llm.Estimated, new(d.cut())
	return o
}

// fullReply makes the reply with a body and, beside its length and the dialogue's content type, some header lines.
func fullReply(d talk, body string, header ...string) []reply {
	return []reply{badserver.Answer(200, body, append([]string{"Content-Type: " + d.contentType}, header...)...)}
}

// begin is the head of an answer; length below 0 announces none.
func begin(d talk, length int, header ...string) badserver.Step {
	return badserver.Send(badserver.Head(200, length, append([]string{"Content-Type: " + d.contentType}, header...)...))
}

func once(steps ...badserver.Step) []reply { return []reply{steps} }

func zipped(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(s)) // a buffer takes everything
	_ = z.Close()
	return b.String()
}

// spoiled is a gzip of s with a bad checksum and, in its middle, bytes that are none.
func spoiled(s string) string {
	z := zipped(s)
	return z[:len(z)/2] + strings.Repeat("\xff", len(z)-len(z)/2)
}

// unread is what comes of an answer that weir cannot read: it is handed on, and its cost is not known.
func unread(body string, flag string) outcome {
	return outcome{body: body, source: llm.NoUsage, unpriced: true, flags: []string{flag, "unmetered"}}
}

// upstreamFaults is the table.
func upstreamFaults(u *upstreams) []upstreamFault {
	return append(append(append(brokenConnections(), refusals()...), oddBodies()...), oddHeads(u)...)
}

func brokenConnections() []upstreamFault {
	return []upstreamFault{
		{name: "connection refused", by: "dead", replies: func(talk) []reply { return nil }, want: unavailable},
		{name: "reset before any byte", replies: func(talk) []reply { return once(badserver.Reset()) }, want: unavailable},
		{name: "closed before any byte", replies: func(talk) []reply { return once(badserver.Close()) }, want: unavailable},
		{name: "reset in the head", replies: func(talk) []reply {
			return once(badserver.Send("HTTP/1.1 200 OK\r\nContent-Ty"), badserver.Reset())
		}, want: unavailable},
		{name: "reset in the body", replies: func(d talk) []reply {
			return once(begin(d, len(d.answer)), badserver.Send(d.cut()), badserver.Reset())
		}, want: brokenOff},
		{name: "reset in the body of unknown length", replies: func(d talk) []reply {
			return once(begin(d, -1), badserver.Send(d.cut()), badserver.Reset())
		}, want: brokenOff},
		{name: "closed within a chunk", replies: func(d talk) []reply {
			return once(badserver.Send(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s", d.contentType, len(d.answer), d.cut())), badserver.Close())
		}, want: brokenOff},
		{name: "reset between events", only: streams, replies: func(d talk) []reply {
			return once(begin(d, -1), badserver.Send(d.events()), badserver.Reset())
		}, want: func(d talk) outcome { o := brokenOff(d); o.body = d.events(); return o }},
		{name: "reset after the last event", only: streams, replies: func(d talk) []reply {
			return once(begin(d, -1), badserver.Send(d.answer), badserver.Reset())
		}, want: whole},
		{name: "closed politely in the middle", only: streams, replies: func(d talk) []reply {
			return once(begin(d, -1), badserver.Send(d.cut()), badserver.Close())
		}, want: func(d talk) outcome { o := brokenOff(d); o.broken = false; return o }},
		{name: "never answers", by: "hasty", replies: func(talk) []reply { return once(badserver.Hang()) }, want: late},
		{name: "stalls in the head", by: "hasty", replies: func(talk) []reply {
			return once(badserver.Send("HTTP/1.1 200 OK\r\nContent-Ty"), badserver.Hang())
		}, want: late},
		{name: "stalls in the body", by: "hasty", replies: func(d talk) []reply {
			return once(begin(d, len(d.answer)), badserver.Send(d.cut()), badserver.Hang())
		}, want: func(d talk) outcome {
			o := brokenOff(d)
			if !d.stream {
				o.status, o.code, o.errors = 504, "weir_upstream_timeout", "weir_upstream_timeout"
			}
			return o
		}},
		{name: "a byte at a time", replies: func(d talk) []reply {
			return once(begin(d, len(d.answer)), badserver.Trickle(d.answer, 200*time.Microsecond))
		}, want: whole},
	}
}

func refusals() []upstreamFault {
	limited := func(after func() string) reply {
		return reply{func(c *badserver.Conn) error {
			return badserver.Answer(429, `{"error":{"message":"slow down","type":"rate_limit_error"}}`, "Content-Type: application/json", "Retry-After: "+after())[0](c)
		}}
	}
	seconds := func(s string) reply { return limited(func() string { return s }) }
	date := limited(func() string { return time.Now().Add(2 * time.Second).UTC().Format(http.TimeFormat) })
	again := func(first int, waited time.Duration) func(talk) outcome {
		return func(d talk) outcome {
			o := whole(d)
			o.attempts, o.statuses, o.waited = 2, []int{first, 200}, waited
			return o
		}
	}
	refused := func(after string, statuses ...int) func(talk) outcome {
		return func(talk) outcome {
			return outcome{
				status: 429, body: `{"error":{"message":"slow down","type":"rate_limit_error"}}`, headers: map[string]string{"Retry-After": after},
				record: trace.StatusError, errors: "rate_limit_error", source: llm.NoUsage, attempts: len(statuses), statuses: statuses,
			}
		}
	}
	return []upstreamFault{
		{name: "429 and its seconds are waited for", by: "again", replies: func(d talk) []reply { return append([]reply{seconds("1")}, fullReply(d, d.answer)...) }, want: again(429, time.Second)},
		{name: "429 and its date is waited for", by: "again", replies: func(d talk) []reply { return append([]reply{date}, fullReply(d, d.answer)...) }, want: again(429, 900*time.Millisecond)},
		{name: "429 and an hour is not waited for", by: "again", replies: func(talk) []reply { return []reply{seconds("3600")} }, want: refused("3600", 429)},
		{name: "429 again and again", by: "again", replies: func(talk) []reply { return []reply{seconds("0.01")} }, want: refused("0.01", 429, 429)},
		{name: "429 without a retry", replies: func(talk) []reply { return []reply{seconds("7")} }, want: refused("7", 429)},
		{name: "500 and then an answer", by: "again", replies: func(d talk) []reply {
			return append([]reply{badserver.Answer(500, d.failure, "Content-Type: application/json")}, fullReply(d, d.answer)...)
		}, want: again(500, 0)},
		{name: "reset and then an answer", by: "again", replies: func(d talk) []reply {
			return append([]reply{{badserver.Reset()}}, fullReply(d, d.answer)...)
		}, want: func(d talk) outcome { o := again(0, 0)(d); return o }},
		{name: "500 with a body", replies: func(d talk) []reply {
			return []reply{badserver.Answer(500, d.failure, "Content-Type: application/json")}
		}, want: func(d talk) outcome {
			return outcome{status: 500, body: d.failure, record: trace.StatusError, errors: d.failureCode, source: llm.NoUsage}
		}},
		{name: "503 with a page", replies: func(talk) []reply { return []reply{badserver.Answer(503, "<h1>busy</h1>", "Content-Type: text/html")} }, want: func(talk) outcome {
			return outcome{status: 503, body: "<h1>busy</h1>", record: trace.StatusError, errors: "http_503", source: llm.NoUsage}
		}},
		{name: "200 with an error in it", replies: func(d talk) []reply {
			return []reply{badserver.Answer(200, d.failure, "Content-Type: application/json")}
		}, want: func(d talk) outcome {
			return outcome{body: d.failure, record: trace.StatusError, errors: d.failureCode, source: llm.NoUsage}
		}},
		{name: "an error in the stream", only: streams, replies: func(d talk) []reply {
			return once(begin(d, -1), badserver.Send(d.events()+d.failureEvent), badserver.Close())
		}, want: func(d talk) outcome {
			return outcome{body: d.events() + d.failureEvent, record: trace.StatusError, errors: d.failureCode, source: llm.Estimated}
		}},
	}
}

func oddBodies() []upstreamFault {
	encoded := func(name, claim string, pack func(string) string, want func(d talk, body string) outcome) upstreamFault {
		return upstreamFault{
			name:    name,
			replies: func(d talk) []reply { return fullReply(d, pack(d.answer), "Content-Encoding: "+claim) },
			want: func(d talk) outcome {
				o := want(d, pack(d.answer))
				o.headers = map[string]string{"Content-Encoding": claim}
				return o
			},
		}
	}
	as := func(source llm.UsageSource, flags ...string) func(talk, string) outcome {
		return func(_ talk, body string) outcome { return outcome{body: body, source: source, flags: flags} }
	}
	itself := func(s string) string { return s }
	binary := func(s string) string { return "\x8b\x0a\x80" + strings.Repeat("\x00\xf7\x93", len(s)/9) + "\x03" }
	notUTF8 := strings.NewReplacer(weirIs[:5], "\xff\xfe\xed\xa0\x80", weirIs[len(weirIs)-5:], "caf\xe9\xc3")
	return []upstreamFault{
		encoded("gzip that nobody asked for", "gzip", zipped, as(llm.FromProvider)),
		encoded("gzip that is plain", "gzip", itself, as(llm.FromProvider, "encoding_mismatch")),
		encoded("gzip that is damaged", "gzip", spoiled, func(_ talk, body string) outcome { return unread(body, "encoding_mismatch") }),
		encoded("gzip that is another thing", "gzip", binary, func(_ talk, body string) outcome { return unread(body, "encoding_mismatch") }),
		encoded("gzip that is cut", "gzip", func(s string) string { z := zipped(s); return z[:len(z)/2] }, func(_ talk, body string) outcome { return unread(body, "encoding_mismatch") }),
		encoded("br", "br", binary, func(_ talk, body string) outcome { return unread(body, "encoding_unread") }),
		encoded("br that is plain", "br", itself, as(llm.FromProvider, "encoding_mismatch")),
		{name: "not UTF-8", replies: func(d talk) []reply { return fullReply(d, notUTF8.Replace(d.answer)) }, want: func(d talk) outcome {
			return outcome{body: notUTF8.Replace(d.answer), source: llm.FromProvider}
		}},
		{name: "a Content-Length beyond the body", replies: func(d talk) []reply {
			return once(begin(d, len(d.answer)+100), badserver.Send(d.answer), badserver.Close())
		}, want: func(d talk) outcome {
			if d.stream {
				return whole(d) // its last event says that it is whole
			}
			o := unavailable(d)
			o.source, o.kept = llm.FromProvider, new(d.answer)
			return o
		}},
		{name: "a Content-Length short of the body", replies: func(d talk) []reply {
			return once(begin(d, len(d.cut())), badserver.Send(d.answer))
		}, want: func(d talk) outcome {
			return outcome{body: d.cut(), record: trace.StatusError, errors: "stream_truncated", source: llm.Estimated}
		}},
		{name: "garbage behind the JSON", only: plains, replies: func(d talk) []reply { return fullReply(d, d.answer+"\n]]><!-- \x00") }, want: func(d talk) outcome {
			return outcome{body: d.answer + "\n]]><!-- \x00", source: llm.FromProvider}
		}},
		{name: "two JSON documents", only: plains, replies: func(d talk) []reply { return fullReply(d, d.answer+d.answer) }, want: func(d talk) outcome {
			return outcome{body: d.answer + d.answer, source: llm.FromProvider}
		}},
		{name: "garbage behind the last event", only: streams, replies: func(d talk) []reply { return fullReply(d, d.answer+"]]><!-- \x00") }, want: func(d talk) outcome {
			o := whole(d)
			o.body += "]]><!-- \x00"
			o.kept, o.keptMore = new(d.answer), true // it was recorded before its last event was handed on
			return o
		}},
	}
}

func oddHeads(u *upstreams) []upstreamFault {
	typed := func(name, contentType string, only func(talk) bool) upstreamFault {
		return upstreamFault{name: name, only: only, want: whole, replies: func(d talk) []reply {
			return once(badserver.Send("HTTP/1.1 200 OK\r\n" + contentType + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(d.answer), d.answer)))
		}}
	}
	before := func(heads string) func(talk) []reply {
		return func(d talk) []reply {
			return []reply{append(reply{badserver.Send(heads)}, fullReply(d, d.answer)[0]...)}
		}
	}
	many := make([]string, 3000)
	for i := range many {
		many[i] = fmt.Sprintf("X-Many-%d: %d", i, i)
	}
	big := strings.Repeat("x", 200<<10)
	return []upstreamFault{
		typed("JSON called HTML", "Content-Type: text/html\r\n", plains),
		typed("JSON called a stream", "Content-Type: text/event-stream\r\n", plains),
		typed("a stream called JSON", "Content-Type: application/json\r\n", streams),
		typed("a stream without a type", "", streams),
		{name: "JSON in place of a stream", only: streams, replies: func(d talk) []reply { return fullReply(d.plain(), d.plain().answer) }, want: func(d talk) outcome { return whole(d.plain()) }},
		{name: "a redirect", replies: func(talk) []reply {
			return []reply{badserver.Answer(307, "", "Location: "+u.elsewhere.URL+"/v1/chat/completions")}
		}, want: unavailable},
		{name: "another protocol", replies: func(talk) []reply {
			return once(badserver.Send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"), badserver.Hang())
		}, want: unavailable},
		{name: "early hints before the answer", replies: before("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"), want: whole},
		{name: "no end of hints", replies: func(talk) []reply {
			return once(badserver.Repeat([]byte("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"), 1<<20))
		}, want: unavailable},
		{name: "a big header", replies: func(d talk) []reply { return fullReply(d, d.answer, "X-Big: "+big) }, want: func(d talk) outcome {
			o := whole(d)
			o.headers = map[string]string{"X-Big": big}
			return o
		}},
		{name: "3000 headers", replies: func(d talk) []reply { return fullReply(d, d.answer, many...) }, want: func(d talk) outcome {
			o := whole(d)
			o.headers = map[string]string{"X-Many-0": "0", "X-Many-2999": "2999"}
			return o
		}},
		{name: "a header without end", replies: func(talk) []reply {
			return once(badserver.Send("HTTP/1.1 200 OK\r\nX-Big: "), badserver.Repeat([]byte(big), 50), badserver.Close())
		}, want: unavailable},
		{name: "not HTTP", replies: func(talk) []reply { return once(badserver.Send("SSH-2.0-OpenSSH_9.9\r\n"), badserver.Close()) }, want: unavailable},
		{name: "headers that only weir may set", replies: func(d talk) []reply {
			return fullReply(d, d.answer, "X-Weir-Cost-Usd: 99", "Set-Cookie: a=b", "Access-Control-Allow-Origin: *")
		}, want: func(d talk) outcome {
			o := whole(d)
			o.headers = map[string]string{"Set-Cookie": "", "Access-Control-Allow-Origin": ""}
			return o
		}},
	}
}
