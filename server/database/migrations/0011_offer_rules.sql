-- Which rules of the specification a clause states: so that a refusal leads to the clause that it comes from.
ALTER TABLE offer_clause ADD COLUMN rules TEXT NOT NULL DEFAULT '';
