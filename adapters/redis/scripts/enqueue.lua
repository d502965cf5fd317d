-- ARGV: source, job, provider, owner, due (0: at once, below: -1 less ms from now), and so on.
local now = time()

-- earlier keeps the place of a ticket that is put again.
local function earlier(old, t)
	if old and old.job == t.job then
		t.due = math.min(old.due, t.due)
	end
end

local function put(source, t)
	if call('HEXISTS', base .. 'leases', source) == 1 then
		earlier(get('behind', source), t)
		set('behind', source, t)
		return
	end
	local old = get('tickets', source)
	if old then
		earlier(old, t)
		if old.job == t.job and old.due == t.due then
			return -- it waits already
		end
		unwait(source, old)
		local b = old.job ~= t.job and get('behind', source)
		if b and b.job == t.job then
			call('HDEL', base .. 'behind', source)
		end
	end
	wait(source, t, now)
end

for i = 1, #ARGV, 5 do
	local due = tonumber(ARGV[i + 4])
	if due < 0 then
		due = now - 1 - due
	elseif due == 0 then
		due = now
	end
	put(ARGV[i], { job = ARGV[i + 1], provider = ARGV[i + 2], owner = ARGV[i + 3], due = due })
end
settle()
wake()
return 1
