-- ARGV: worker.
local now = time()
local all = call('HGETALL', base .. 'leases')
for i = 1, #all, 2 do
	local l = cjson.decode(all[i + 1])
	if l.worker == ARGV[1] then
		back(all[i], l, now, now)
	end
end
settle()
wake()
return 1
