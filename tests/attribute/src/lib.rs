//! The attribute `#[test]` of the suite. The standard harness decides at compile time which tests are ignored; the
//! suite has its own (`tests/suite/support/harness.rs`), which decides at run time, and this attribute gives it the
//! list of tests. Only a procedural macro can be an attribute, so it is a package of its own.

use proc_macro::{TokenStream, TokenTree};

/// Adds a function to the suite's list of tests, under its module's path and its name.
#[proc_macro_attribute]
pub fn test(_: TokenStream, function: TokenStream) -> TokenStream {
    let mut tokens = function.clone().into_iter();
    // Attributes and their arguments are single groups, so the first `fn` is the function's.
    let is_fn = |token: &TokenTree| token.to_string() == "fn";
    let name = tokens.by_ref().find(is_fn).and_then(|_| tokens.next());
    let Some(TokenTree::Ident(name)) = name else {
        return r#"compile_error!("only a function is a test");"#
            .parse()
            .expect("this is Rust");
    };
    let listed = format!(
        "::inventory::submit! {{
            crate::support::harness::Test {{ name: concat!(module_path!(), \"::{name}\"), body: {name} }}
        }}"
    );
    let listed: TokenStream = listed.parse().expect("this is Rust");
    function.into_iter().chain(listed).collect()
}
