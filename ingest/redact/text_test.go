package redact

import (
	"strings"
	"testing"
)

// pem is a private key block with bodies that are no key.
const pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIBOgIBAAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf9Cnzj4p4WGeKLs1Pt8Qu\n-----END RSA PRIVATE KEY-----"

// TestText: a text and what becomes of it; without an arrow it stays.
func TestText(t *testing.T) {
	for _, c := range []struct{ kind, in, want string }{
		{"email", "jane@example.com", "[email]"},
		{"email", "Jane <jane.doe+tag@mail.example.co.uk>, hi", "Jane <[email]>, hi"},
		{"email", "mailto:o'brien@example.ie?subject=x", "mailto:[email]?subject=x"},
		{"email", "'jane@example.com'.", "'[email]'."},
		{"email", "jörg@müller.de und ok", "[email] und ok"},
		{"email", "请联系jane@example.com。", "请联系[email]。"},
		{"email", "a=1&mail=jane%40example.com&b", "a=1&mail=[email]&b"},
		{"email", "jane@xn--mller-kva.xn--p1ai end", "[email] end"},
		{"email", "x@example.com.", "[email]."},
		{"email", "postgres://app:hunter2@db.example.com:5432/x", "postgres://app:[email]:5432/x"},
		{"email", "@app.route('/x') def f(a): a @ b.c", ""},
		{"email", "npm i lodash@4.17.21 @types/node@20.1.0", ""},
		{"email", "git@github.com:weir-dev/weir.git", ""},
		{"email", "user@localhost, me@, @you, a@b", ""},

		{"phone", "+44 20 7946 0958", "[phone]"},
		{"phone", "ring +1-212-555-0123 now", "ring [phone] now"},
		{"phone", "+493012345678, +33 6 12 34 56 78.", "[phone], [phone]."},
		{"phone", "(212) 555-0123", "[phone]"},
		{"phone", "212-555-0123 or 212.555.0123", "[phone] or [phone]"},
		{"phone", "1-800-555-0123", "[phone]"},
		{"phone", "030 12345678, 0171/1234567, 06 12 34 56 78", "[phone], [phone], [phone]"},
		{"phone", "020 7946 0958 and 03-1234-5678", "[phone] and [phone]"},
		{"phone", "0049 30 1234567", "[phone]"},
		{"phone", "138-1234-5678", "[phone]"},
		{"phone", "phone: 5551234567", "phone: [phone]"},
		{"phone", "Tel. 98765 43210", "Tel. [phone]"},
		{"phone", "+44\u00a020\u00a07946\u00a00958", "[phone]"},
		{"phone", "1700000000 1700000000123 2024-03-01 12:30:45 01.02.2024 10:30", ""},
		{"phone", "on 01/02/2024 12 and 01-02-2024 1234 at 2024-03-01T12:30:45.123456789Z", ""},
		{"phone", "512 256 1024 tokens, 1,234,567,890 in all, 3.14159265358979", ""},
		{"phone", "order 5551234567, id 00012345678, 550e8400-e29b-41d4-a716-446655440000", ""},
		{"phone", "hotel 5551234567 telemetry 5551234567", ""},
		{"phone", "ISBN 978-3-16-148410-0, v1.22.333.4444, 555-123-4567-89", ""},
		{"phone", "x = 1+234567890 and ++1234567890", ""},

		{"card", "4111 1111 1111 1111", "[card]"},
		{"card", "4111-1111-1111-1111 exp 12/26", "[card] exp 12/26"},
		{"card", "pay 5555555555554444.", "pay [card]."},
		{"card", "3782 822463 10005, 378282246310005", "[card], [card]"},
		{"card", "3056 930902 5904", "[card]"},
		{"card", "card 4222222222222", "card [card]"},
		{"card", "4111 1111 1111 1112", ""},
		{"card", "4222222222222 and 4111111111111111a and x4111111111111111", ""},
		{"card", "1234567812345670 9999999999999995", ""},
		{"card", "0.4111111111111111", ""},

		{"iban", "DE89370400440532013000", "[iban]"},
		{"iban", "IBAN: GB82 WEST 1234 5698 7654 32.", "IBAN: [iban]."},
		{"iban", "fr1420041010050500013m02606", "[iban]"},
		{"iban", "DE88370400440532013000", ""},
		{"iban", "XDE89370400440532013000", ""},
		{"iban", "ZZ89370400440532013000", ""},

		{"ip", "from 8.8.8.8:53 and 10.0.0.7/8", "from [ip]:53 and [ip]/8"},
		{"ip", "2a00:1450:4001:81b::200e", "[ip]"},
		{"ip", "[fe80::1ff:fe23:4567:890a] fd12:3456:789a::1.", "[[ip]] [ip]."},
		{"ip", "::ffff:8.8.4.4", "[ip]"},
		{"ip", "127.0.0.1 0.0.0.0 192.0.2.1 198.51.100.7 203.0.113.9 255.255.255.255 ::1 2001:db8::7", ""},
		{"ip", "1.2.3 1.2.3.4.5 256.1.1.1 v1.2.3.4 version 1.2.3.4", ""},
		{"ip", "std::vector 12:30:45 Abc::def a1::b2 00:1b:44:11:3a:b7", ""},

		{"jwt", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P", "[jwt]"},
		{"jwt", "t=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0 cut", "t=[jwt] cut"},
		{"jwt", "eyJust.a.word and eyJhbGciOiJIUzI1NiJ9", ""},

		{"key", "sk-abcdefghijkl0123456789", "[key]"},
		{"key", "OPENAI_API_KEY=sk-proj-Ab1_Cd2-Ef3Gh4Ij5Kl6", "OPENAI_API_KEY=[key]"},
		{"key", "sk-ant-api03-Ab1Cd2Ef3Gh4Ij5Kl6, ok", "[key], ok"},
		{"key", "AKIAIOSFODNN7EXAMPLE and AIzaSyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q", "[key] and [key]"},
		{"key", "ghp_abcdefghij0123456789abcdefghij012345", "[key]"},
		{"key", "xoxb-123456789012-abcdefABCDEF", "[key]"},
		{"key", "SG.abcdefghijklmnop.1234567890ABCDEFGHIJ", "[key]"},
		{"key", "Authorization: Bearer abcdef1234567890", "Authorization: Bearer [key]"},
		{"key", "authorization: Basic dXNlcjpQYXNzdzByZA==", "authorization: Basic [key]"},
		{"key", "sk-learn-is-a-nice-library sk-1 Bearer authentication, the Bearer of news", ""},
		{"key", "task-abcdefghijkl0123456789 AKIAIOSFODNN7EXAMPLEX", ""},

		{"private key", "a\n" + pem + "\nb", "a\n[private key]\nb"},
		{"private key", pem[:60], "[private key]"},
		{"private key", "-----BEGIN PUBLIC KEY-----\nMFww\n-----END PUBLIC KEY-----", ""},

		{"secret", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzK8q2VbT5s", "[secret]"},
		{"secret", "x Zk8Qw3Rt7Yp1Lm5Nv9Bc2Xd6Hf4Jg0Sa y", "x [secret] y"},
		{"secret", "AZURE_KEY=0123456789abcdef0123456789abcdef", "AZURE_KEY=[secret]"},
		{"secret", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", ""},
		{"secret", "550e8400-e29b-41d4-a716-446655440000", ""},
		{"secret", "chatcmpl-Zk8Qw3Rt7Yp1Lm5Nv9Bc2Xd6Hf4Jg0Sa", ""},
		{"secret", "testUserServiceV2ShouldReturn404WhenTheRecordIsMissing", ""},
		{"secret", "https://example.com/docs/Getting-Started/With-Version-12/Install-Guide-2024", ""},
		{"secret", "--------------------------------------- ======================", ""},
		{"secret", "claude-sonnet-4-5-20250929-thinking-preview-large", ""},

		{"image", "![x](data:image/png;base64,QUJDRA==) end", "![x]([image 4 bytes]) end"},
		{"image", "data:audio/wav;base64,Zk8Qw3Rt7Yp1Lm5Nv9Bc2Xd6Hf4Jg0Sa data:image/svg+xml,<svg/>", ""},

		{"escapes", `jane\u0040example.com`, "[email]"},
		{"escapes", `caf\u00e9 \u0022 \u00zz`, ""},
	} {
		want := c.want
		if want == "" {
			want = c.in
		}
		got, changed := text([]byte(c.in), nil)
		if string(got) != want || changed != (want != c.in) {
			t.Errorf("%s: %q = %q, %v, want %q", c.kind, c.in, got, changed, want)
		}
		again, changed := text(got, nil)
		if changed {
			t.Errorf("%s: %q becomes %q the second time", c.kind, got, again)
		}
	}
}

func TestOverlappingHits(t *testing.T) {
	got, _ := text([]byte("212-555-0123@example.com sk-abcdefghijkl0123456789@example.com"), nil)
	if want := "[email] [key]"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMarksAreNoCues(t *testing.T) {
	in := strings.Repeat("jane.someone@example.com ", 2) + "212-555-0123 5551234567"
	got, _ := text([]byte(in), nil)
	if want := "[email] [email] [phone] 5551234567"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
