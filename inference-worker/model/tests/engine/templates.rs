//! Chat templates as models have them: programs in Jinja that were written for Python.

use dllm_model::entry::{ChatTemplate, EntryError, Message};

/// The text of a question, an answer and another question.
fn render(source: &str) -> Result<String, EntryError> {
	let turn = |role: &str, content: &str| Message {
		role: role.into(),
		content: content.into(),
	};
	let messages = [
		turn("user", "  ask /think  "),
		turn("assistant", "<think>\nhm\n</think>\n\nanswer"),
		turn("user", "again"),
	];
	ChatTemplate::new(source.into(), "<s>".into(), "</s>".into())?.render(&messages)
}

#[test]
fn what_templates_borrow_from_python_works() {
	let cases = [
		("{{ messages[0].content.strip().replace('/think', '')|trim }}", "ask"),
		("{{ messages[1].content.split('</think>')[-1].lstrip('\\n') }}", "answer"),
		("{{ messages[1].content.split('</think>')[0].rstrip('\\n').split('<think>')[-1] }}", "\nhm"),
		("{% for m in messages[::-1] %}{% if m.role == 'assistant' %}{% break %}{% endif %}{{ m.content }}{% endfor %}", "again"),
		("{% for key, value in messages[2].items() %}{{ key }}={{ value }};{% endfor %}", "role=user;content=again;"),
		("{{ messages[0].get('tool_calls', 'none') }}", "none"),
		("{% for m in messages | rejectattr('role', 'equalto', 'user') | selectattr('tool_calls', 'undefined') %}{{ m.role }}{% endfor %}", "assistant"),
		("{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}", "3"),
		("{% if tools is not defined %}{% set tools = none %}{% endif %}{{ 'no' if tools is none else 'yes' }} tools", "no tools"),
		("{{ strftime_now('%Y') if strftime_now is defined else '2024' }}", "2024"),
		("{{ bos_token ~ (messages|length) ~ eos_token }}{% if add_generation_prompt %}!{% endif %}", "<s>3</s>!"),
	];
	for (source, expected) in cases {
		let text = render(source).unwrap_or_else(|error| panic!("{source}: {error}"));
		assert_eq!(text, expected, "{source}");
	}
}

#[test]
fn a_template_that_would_not_end_is_refused() {
	let endless =
		"{% for a in range(100000) %}{% for b in range(100000) %}{{ '' }}{% endfor %}{% endfor %}";
	assert!(matches!(
		render(endless),
		Err(EntryError::ChatTemplate { .. })
	));
}

#[test]
fn what_a_template_objects_to_is_told() {
	let error = render("{{ raise_exception('roles must alternate') }}").unwrap_err();
	assert!(
		error.to_string().contains("roles must alternate"),
		"{error}"
	);
	let error = render("{{ open('/etc/passwd') }}").unwrap_err();
	assert!(error.to_string().contains("open"), "{error}");
}
