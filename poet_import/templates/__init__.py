"""Templates: what a domain adds to the functions that name it.

A domain is a folder of versions, ``<root>/<domain>/<version>/``, with ``metadata.json``, ``template.txt`` and, where
Train has words of its own, ``train_addon.txt``. ``<root>/<domain>/current`` names the version in use: a link, or a file
holding ``v1``.

``metadata.json`` declares checks, never code: a phase, a rule of `poet_import.runtime.rules`, its arguments, and what
it matches. In ``perceive``, ``match`` is a pattern of parameter names (``fnmatch.fnmatchcase``) or a list of them; in
``enforce``, ``return`` is the result and ``return.score`` the value under the key ``score`` of a returned dict, skipped
where the result is no dict or lacks the key. A rule for one value is applied to each value that any pattern matches. A
joint rule (`poet_import.runtime.rules.JOINT`) takes the values that its entries name, one each and without wildcards,
together, and only if all are there.

``template.txt`` and ``train_addon.txt`` are what a language model is asked: see `poet_import.templates.prompts`, which
only those load who ask one. They ask for functions in one language, which ``"language"`` names. What is declared holds
for both: a Dana function may name any domain, and where that is written for Python it is asked for with the texts of
the domain ``dana``. A Python function can name no domain that is written for Dana.
"""

from poet_import.templates.store import TemplateStore, store_over, template_roots

__all__ = ["TemplateStore", "store_over", "template_roots"]
