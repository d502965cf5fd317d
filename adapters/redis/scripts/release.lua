-- ARGV: source, token, when it wants to be claimed again (0: not by this job,
-- below: -1 less ms from now).
-- Answer: 1, or 0 when the lease is gone.
local source, again = ARGV[1], tonumber(ARGV[3])
local now = time()
if again < 0 then
	again = now - 1 - again
end
local l = get('leases', source)
if not l or l.token ~= ARGV[2] then
	return 0
end
if again > 0 then
	back(source, l, again, now)
else
	free(source, l)
	local b = get('behind', source)
	if b then
		call('HDEL', base .. 'behind', source)
		wait(source, b, now)
	end
end
settle()
wakeIdle()
return 1
