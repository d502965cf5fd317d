-- ARGV: source, token, lease in ms. Answer: 1, or 0 when the lease is gone.
local l = get('leases', ARGV[1])
if not l or l.token ~= ARGV[2] then
	return 0
end
call('ZADD', base .. 'expiry', int(time() + ARGV[3]), ARGV[1])
return 1
