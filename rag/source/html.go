package source

import (
	"fmt"
	"strings"

	"github.com/JohannesKaufmann/html-to-markdown/v2/converter"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/base"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/commonmark"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/table"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// toMarkdown leaves marks of Markdown in a page's text as they are: the text is to be found and quoted, not to be made a page
// again.
func toMarkdown(tables bool) *converter.Converter {
	plugins := []converter.Plugin{base.NewBasePlugin(), commonmark.NewCommonmarkPlugin()}
	if tables {
		plugins = append(plugins, table.NewTablePlugin())
	}
	return converter.NewConverter(converter.WithEscapeMode(converter.EscapeModeDisabled), converter.WithPlugins(plugins...))
}

// mostCells bounds what tables are written as such, where every row becomes as long as the longest; else their cells are text.
const mostCells = 200_000

// fromHTML gives the title of a page and its text as Markdown, without what is there for programs or for looks.
func fromHTML(text string, most int64) (title, markdown string, err error) {
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		return "", "", fmt.Errorf("read it as HTML: %w", err)
	}
	var p page
	p.clean(root)
	title = strings.Join(strings.Fields(p.title), " ")
	out, err := toMarkdown(p.rows*p.columns <= mostCells).ConvertNode(root)
	if err != nil {
		return "", "", fmt.Errorf("make Markdown of HTML: %w", err)
	}
	if int64(len(out)) > most {
		return "", "", tooLong(int64(len(out)), most)
	}
	return title, strings.ToValidUTF8(strings.ReplaceAll(string(out), "\x00", ""), ""), nil
}

// page is what is found while a page is cleaned.
type page struct {
	title         string
	rows, columns int // of all tables, and of the row that has most
}

// clean takes away what is no text.
func (p *page) clean(n *html.Node) {
	cells := 0
	for c := n.FirstChild; c != nil; {
		next := c.NextSibling
		switch {
		case c.Type == html.CommentNode:
			n.RemoveChild(c)
		case c.Type != html.ElementNode:
		case c.DataAtom == atom.Title && p.title == "" && c.FirstChild != nil:
			p.title = c.FirstChild.Data
			n.RemoveChild(c)
		case isNoText(c):
			n.RemoveChild(c)
		default:
			switch c.DataAtom {
			case atom.Tr:
				p.rows++
			case atom.Td, atom.Th:
				cells++
				c.Attr = nil // a cell may say that it spans a million columns
			}
			p.clean(c)
		}
		c = next
	}
	p.columns = max(p.columns, cells)
}

func isNoText(n *html.Node) bool {
	switch n.DataAtom {
	case atom.Script, atom.Style, atom.Noscript, atom.Template, atom.Iframe, atom.Object, atom.Embed, atom.Svg, atom.Math, atom.Canvas, atom.Audio, atom.Video, atom.Title, atom.Img:
		return true
	}
	for _, a := range n.Attr {
		if a.Key == "hidden" || a.Key == "aria-hidden" && a.Val == "true" {
			return true
		}
	}
	return false
}
