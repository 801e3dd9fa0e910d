package eval

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// junitSuite is the shape that most readers of JUnit files agree on.
type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Time     string      `xml:"timestamp,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Failure *junitFailure `xml:"failure,omitempty"`
	Out     string        `xml:"system-out,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes the verdict as JUnit XML, a test case for each check.
func (v *Verdict) JUnit(run *Run) ([]byte, error) {
	suite := junitSuite{Name: "weir eval " + run.Name, Tests: len(v.Checks), Time: run.UpdatedAt.UTC().Format("2006-01-02T15:04:05")}
	for i := range v.Checks {
		c := &v.Checks[i]
		one := junitCase{Class: run.Name + "." + c.Target, Name: c.Scorer + "." + c.Rule, Out: c.Detail}
		if !c.Passed {
			suite.Failures++
			one.Failure, one.Out = &junitFailure{Message: c.Detail, Text: c.list()}, ""
		}
		suite.Cases = append(suite.Cases, one)
	}
	text, err := xml.MarshalIndent(struct {
		XMLName xml.Name `xml:"testsuites"`
		Suite   junitSuite
	}{Suite: suite}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write JUnit: %w", err)
	}
	return append([]byte(xml.Header), append(text, '\n')...), nil
}

// list is the items that fail, one a line.
func (c *Check) list() string {
	var b strings.Builder
	for _, f := range c.Cases {
		fmt.Fprintf(&b, "%s: %s %s\n", clip(f.Item), short(f.Got), f.Reason)
	}
	return b.String()
}

// command escapes for GitHub's workflow commands, where a line's end would begin another.
var command = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")

// property escapes what stands before the message, too.
var property = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")

// GitHub writes the checks that failed as annotations of a file.
func (v *Verdict) GitHub(file string) string {
	var b strings.Builder
	for _, c := range v.Checks {
		if !c.Passed {
			fmt.Fprintf(&b, "::error file=%s,title=%s::%s\n", property.Replace(file), property.Replace(c.Target+" "+c.Scorer+" "+c.Rule), command.Replace(c.Detail))
		}
	}
	for _, n := range v.Notes {
		fmt.Fprintf(&b, "::warning file=%s::%s\n", property.Replace(file), command.Replace(n))
	}
	return b.String()
}

// Markdown writes the verdict as a table.
func (v *Verdict) Markdown(run *Run) string {
	var b strings.Builder
	word := "passed"
	if !v.Passed {
		word = "**failed**"
	}
	fmt.Fprintf(&b, "### weir eval gate: %s %s\n\nRun `%s`\n\n| | target | scorer | rule | |\n|---|---|---|---|---|\n", mark(run.Name), word, mark(run.ID))
	for _, c := range v.Checks {
		sign := "✓"
		if !c.Passed {
			sign = "✗"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", sign, mark(c.Target), mark(c.Scorer), mark(c.Rule), mark(c.Detail))
	}
	for _, n := range v.Notes {
		fmt.Fprintf(&b, "\n%s\n", mark(n))
	}
	return b.String() + "\n"
}

// mark makes text of others harmless in a cell of Markdown: no markup, no links, no lines.
func mark(t string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "*", `\*`, "_", `\_`, "`", "'", "[", `\[`, "]", `\]`, "\\", `\\`, "\n", " ", "\r", " ", "@", "@\u200b").Replace(t)
}
