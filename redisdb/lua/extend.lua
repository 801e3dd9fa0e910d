-- Extend: at, id, end, total. Answers 1; 0 and the accounts that have no room, each with its usage and what was wanted; or -1: there is no such hold.
local at, id, till, total = num(), text(), num(), amount()
local h = get(id)
if not h or h.k == DONE then return {-1} end
local refused = {0}
local found = places(h, at)
for _, place in ipairs(found) do
  local a, p = place[1], place[2]
  local more = minus(total, p[4])
  if a.h == 1 and not is_none(more) and live(a, p[3]) and not room(a, more) then
    refused[#refused + 1] = p[1]
    usage(refused, a)
    for i = 1, 4 do refused[#refused + 1] = more[i] end
  end
end
if #refused > 1 then return refused end
for _, place in ipairs(found) do
  local a, p = place[1], place[2]
  local more = minus(total, p[4])
  hold(a, p[3], more, 0)
  p[4] = plus(p[4], more)
end
if till > h.e then h.e = till end
if h.s == PRESUMED then h.s = SENT end -- its owner is back
put(id, h, h.e)
save()
return {1}
