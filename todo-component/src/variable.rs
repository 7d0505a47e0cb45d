//! The manifest's variables. They stay as they are for an instance's life, so that each is asked
//! for once and not in every request.

use spin_sdk::variables;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

thread_local! {
    static KNOWN: RefCell<BTreeMap<&'static str, Rc<str>>> = RefCell::default();
}

/// The value. The error names the variable, and never holds a value.
pub async fn get(name: &'static str) -> Result<Rc<str>, variables::Error> {
    if let Some(value) = KNOWN.with_borrow(|known| known.get(name).cloned()) {
        return Ok(value);
    }
    let value: Rc<str> = variables::get(name).await?.into();
    KNOWN.with_borrow_mut(|known| known.insert(name, value.clone()));
    Ok(value)
}

/// The value, or nothing where it is unset or unknown to an older manifest.
pub async fn optional(name: &'static str) -> Rc<str> {
    get(name).await.unwrap_or_default()
}
