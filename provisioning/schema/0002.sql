-- Schema 2.  A VPS boots its template's kernel, which is in dom0, or the one
-- on its own disk (`--boot own-kernel`), if the template puts one there.
ALTER TABLE template ADD COLUMN own_kernel INTEGER NOT NULL DEFAULT 0;
ALTER TABLE vps ADD COLUMN boot TEXT NOT NULL DEFAULT 'template'
	CHECK (boot IN ('template', 'own-kernel'));
