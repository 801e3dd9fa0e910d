-- Drops entries: keys. Answers how many there were.
local n = 0
for _, key in ipairs(ARGV) do
  if drop(key) then n = n + 1 end
end
return n
