-- Charge: at, cost, when the call began (0: now), id and seconds to remember it ('' and 0: it is not asked whether it was
-- charged before), n, then of each: the cell it is charged to, account. Answers -1 when an account is not there.
local at, cost, began, id, keep, n = num(), amount(), num(), text(), num(), num()
local to = {}
for i = 1, n do
  local c = num()
  local a = told(at)
  if not a then return -1 end
  if a.w > 0 then c = math.floor((began > 0 and began or at) / a.w) end
  if began == 0 or c > a.c then c = a.c end
  to[i] = {a, c}
end
if id ~= '' and not redis.call('SET', P .. 'o:' .. id, '1', 'NX', 'EX', keep) then return 0 end
for _, one in ipairs(to) do
  if began == 0 or began >= one[1].s then charge(one[1], one[2], cost, cost) end
end
save()
return 1
