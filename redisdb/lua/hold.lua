-- Hold: at, id, end, over, kind, call, attempt, project, key, model, provider, n, then of each claim: account, amount, when the
-- account was opened (0: whenever).
-- Answers 1 and the usage of each account, 0 and the claims that have no room with their usage, or -1: an account is not there, or is
-- another by now.
local at, id = num(), text()
local h = {s = OPEN, b = at, e = num(), v = num(), k = num(), i = {text(), num(), text(), text(), text(), text()}, p = {}}
local n = num()
local claims, refused = {}, {0}
for i = 1, n do
  local a = told(at)
  local more, opened = amount(), num()
  if not a or opened > 0 and opened ~= a.s then return {-1} end
  if h.k == USUAL and a.h == 1 and not room(a, more) then
    refused[#refused + 1] = i
    usage(refused, a)
  end
  claims[i] = {a, more}
end
if #refused > 1 then
  save()
  return refused
end
local out = {1}
for _, claim in ipairs(claims) do
  local a = claim[1]
  hold(a, a.c, claim[2], 1)
  h.p[#h.p + 1] = {a.key, a.g, a.c, claim[2]}
  usage(out, a)
end
if h.k == CARRIED then h.s = SENT end
put(id, h, h.e)
save()
return out
